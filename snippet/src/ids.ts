/** Who this browser is to the server: opaque ids that it handed out. */
export interface Ids {
  readonly visitor: string | null;
  readonly session: string | null;
}
