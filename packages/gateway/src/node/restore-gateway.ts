import { assembleRestore, type Restored, type RestoreOptions } from '../assemble-restore.ts';
import { openStateFolder } from './state-folder.ts';

/** Fills the stores of a gateway that does not run. Faults: those of the state folder and of the stores, `restore_refused`. */
export async function restoreGateway(stateFolder: string, options: Omit<RestoreOptions, 'folder'>): Promise<Restored> {
  const folder = openStateFolder(stateFolder);
  try {
    return await assembleRestore({ ...options, folder });
  } finally {
    folder.release();
  }
}
