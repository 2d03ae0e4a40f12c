/** For snapshots that name no policy engine: nobody may ask for one. */
export function noConsultant(): never {
  throw new Error('this snapshot has no policy engine');
}
