import type { ButtonHTMLAttributes, ReactElement, Ref } from 'react';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: 'plain' | 'primary' | 'quiet' | 'danger';
  readonly ref?: Ref<HTMLButtonElement>;
}

const looks = {
  plain: 'border-control bg-surface text-ink hover:bg-sunken',
  primary: 'border-ink bg-ink text-canvas hover:bg-ink-2',
  quiet: 'border-transparent bg-transparent text-ink-2 hover:bg-sunken hover:text-ink',
  danger: 'border-error-solid bg-surface text-error hover:bg-error-soft',
} as const;

export const buttonShape =
  'inline-flex h-8 items-center justify-center gap-1.5 rounded-control border px-3 text-table font-medium whitespace-nowrap select-none disabled:opacity-50 pointer-coarse:h-10';

export function buttonLook(look: NonNullable<ButtonProps['look']> = 'plain'): string {
  return `${buttonShape} ${looks[look]}`;
}

export function Button({ look = 'plain', className = '', type = 'button', ...rest }: ButtonProps): ReactElement {
  return <button type={type} className={`${buttonLook(look)} ${className}`} {...rest} />;
}
