/** Something that was done at a moment, seconds since the epoch. */
export interface Marker {
  readonly at: number;
  readonly text: string;
}
