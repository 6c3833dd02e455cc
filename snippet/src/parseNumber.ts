/** A phone number split where a page may leave its country out. */
export interface PhoneNumber {
  /** "+14155550100" */
  readonly e164: string;
  /** "1" */
  readonly country: string;
  /** "4155550100", without a trunk zero */
  readonly national: string;
}

// ITU-T E.164: country codes of one digit, of two digits, and all others, of three.
const E164 = /^\+([17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9]\d\d)(\d{4,13})$/;

/** Splits an E.164 number; null for anything else. */
export function parseNumber(value: unknown): PhoneNumber | null {
  const parts = E164.exec(value as string);
  return parts && { e164: parts[0], country: parts[1]!, national: parts[2]! };
}
