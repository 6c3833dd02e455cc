// Loaded by the tag on pages of a consent platform. IAB TCF v2.2, "CMP API": addEventListener calls back now and at each
// change. Purpose 1: keep things in the browser; purpose 7: measure advertising.
import type { Tag } from "./runPage";

interface TcData {
  readonly eventStatus?: string;
  readonly gdprApplies?: boolean;
  readonly purpose?: { readonly consents?: Record<number, boolean> };
}

const page = window as unknown as {
  __tcfapi?: (command: string, version: number, tell: (data: TcData, success: boolean) => void) => void;
  __dni: Record<string, Tag>;
};

try {
  page.__tcfapi!("addEventListener", 2, ({ eventStatus, gdprApplies, purpose }, success) => {
    if (!success || (gdprApplies !== false && eventStatus === "cmpuishown")) return; // he has not answered yet
    const consents = purpose?.consents || {};
    const said = gdprApplies === false || (consents[1] && consents[7]) ? "granted" : "denied";
    Object.values(page.__dni).forEach((tag) => tag.consent(said));
  });
} catch {
  // The platform fails: consent stays unknown.
}
