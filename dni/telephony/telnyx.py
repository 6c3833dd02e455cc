"""Telnyx's TeXML: Twilio's fields and documents, signed with the account's key and the time of the request.

Source: Telnyx's docs of TeXML verbs and callbacks, and the `Webhooks.unwrap` of its library.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

from dni.errors import Forbidden
from dni.telephony import fields, signatures
from dni.telephony.model import Fields, RawRequest
from dni.telephony.twilio import Twilio
from dni.telephony.twiml import Dialect

TOLERANCE_S = 300
"""As Telnyx's own library has it. What is sent again within it changes nothing: the same event twice is one."""

_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class Telnyx(Twilio):
    dialect: ClassVar[Dialect] = Dialect(
        ring_s=(5, 120),
        wait_s=(1, 120),
        voice="alice",  # the one that heeds `language`
        gather_is_told=False,
        no_finish_key=False,
        silence_ends=False,  # it would be found, and billed, by transcribing
    )
    example: ClassVar[str] = "v3: and letters"
    folded: ClassVar[frozenset[str]] = Twilio.folded | {"HangupSource", "ShakenStirAttestation", "ShakenStirValidated"}

    def open(self, request: RawRequest, secret: str) -> Fields:
        pairs = fields.pairs(request)
        signature = request.headers.get("telnyx-signature-ed25519")
        timestamp = request.headers.get("telnyx-timestamp")
        if not signature or not timestamp:
            raise Forbidden(
                "the headers Telnyx-Signature-Ed25519 and Telnyx-Timestamp are to come with every request",
                code="missing_signature",
            )
        is_right = signatures.is_telnyx(request.body, timestamp, secret, signature)
        if not is_right or not _TIMESTAMP.fullmatch(timestamp):
            raise Forbidden("the signature does not fit this body and the account's public key", code="bad_signature")
        if abs(request.received_ms - 1000 * int(timestamp)) > 1000 * TOLERANCE_S:
            raise Forbidden(
                f"the request was signed more than {TOLERANCE_S // 60} minutes before or after it came: either it "
                "was sent again, or this machine's clock is wrong",
                code="stale_signature",
            )
        values = fields.values(pairs)
        return Fields(values.get("AccountSid", ""), values)

    def _attestation(self, values: Mapping[str, str]) -> str | None:
        level = values.get("ShakenStirAttestation")
        if level not in ("A", "B", "C"):
            return super()._attestation(values)
        return "failed" if values.get("ShakenStirValidated", "").lower() == "false" else level

    def _hung_up_by(self, values: Mapping[str, str]) -> str | None:
        """Of the caller's leg `callee` is us: a menu ended, or the other leg did."""
        source = values.get("HangupSource")
        if source == "callee":
            return "destination" if values.get("ParentCallSid") else None
        return "caller" if source == "caller" else None
