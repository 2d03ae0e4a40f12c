// Comfort only: the page is whole without it.
for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', () => void copy(button));
}

for (const place of document.querySelectorAll('[data-origin]')) place.textContent = location.origin;

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'short' });
for (const time of document.querySelectorAll('time')) {
  const ago = Date.parse(time.dateTime) - Date.now();
  const [unit, ms] = units.find(([, size]) => Math.abs(ago) >= size) ?? ['second', 1000];
  time.title = time.textContent;
  time.textContent = relative.format(Math.round(ago / ms), unit);
}

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = 'Copied';
  setTimeout(() => (button.textContent = 'Copy'), 1500);
}

document.querySelector('#sign-out')?.addEventListener('click', () => void signOut());

async function signOut() {
  await fetch('/v1/auth/session', { method: 'DELETE', headers: { 'X-GatewayOps-CSRF': '1' } });
  location.reload();
}
