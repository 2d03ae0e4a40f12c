import { packageVersion } from '../node/package-version.ts';
import type { Command } from './command.ts';

export const version: Command = async ({ out }) => {
  out.result({ version: packageVersion(), node: process.versions.node, platform: `${process.platform}-${process.arch}` }, versionText);
  return undefined;
};

export function versionText(): string {
  return `gatewayops ${packageVersion()} (Node.js ${process.versions.node}, ${process.platform}-${process.arch})`;
}
