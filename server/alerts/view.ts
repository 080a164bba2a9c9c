/** Something that needs a person, as a screen shows it. Times are milliseconds since the epoch. */
export interface AlertView {
  readonly id: string;
  readonly deviceId: string | null;
  readonly kind: string;
  readonly title: string;
  readonly message: string;
  readonly openedMs: number;
}
