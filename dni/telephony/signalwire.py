"""SignalWire's cXML, once called LaML: Twilio's fields and documents, with a signature and some words of its own.

Source: SignalWire's docs of cXML (Voice), and the `RequestValidator` of its libraries: Twilio's signature over a form's
fields, or hex of the raw body's, under a header of its own name or Twilio's.
"""

from collections.abc import Mapping
from typing import ClassVar

from dni.errors import Forbidden
from dni.telephony import fields, signatures
from dni.telephony.model import Fields, RawRequest
from dni.telephony.twilio import Twilio
from dni.telephony.twiml import Dialect

_PARTIES = ("caller", "destination")


class SignalWire(Twilio):
    dialect: ClassVar[Dialect] = Dialect(ring_s=(5, 600))
    example: ClassVar[str] = "32 hexadecimal digits with hyphens"

    def open(self, request: RawRequest, secret: str) -> Fields:
        pairs = fields.pairs(request)
        headers = request.headers
        signature = headers.get("x-signalwire-signature") or headers.get("x-twilio-signature")
        if not signature:
            raise Forbidden("the header X-SignalWire-Signature is missing", code="missing_signature")
        right = [
            signatures.is_twilio(request.url, pairs, secret, signature),
            signatures.is_signalwire(request.url, request.body, secret, signature),
        ]
        if not any(right):
            raise Forbidden(
                "the signature does not fit this address, this body and the account's signing key; the address that "
                "SignalWire called must be the one we think we have: see DNI_PUBLIC_URL",
                code="bad_signature",
            )
        values = fields.values(pairs)
        return Fields(values.get("AccountSid", ""), values)

    def bare(self, values: Mapping[str, str]) -> dict[str, str]:
        who = self._hung_up_by(values)  # HangupBy is a number, and may be the caller's
        return super().bare(values) | ({"HangupBy": who} if who else {})

    def _hung_up_by(self, values: Mapping[str, str]) -> str | None:
        """HangupBy is the number that did. Of the caller's leg `To` is ours: then the call ended on this side."""
        by = values.get("HangupBy")
        if by in _PARTIES:  # so `bare` has left it
            return by
        if by and by == values.get("From"):
            return "caller"
        return "destination" if by and values.get("ParentCallSid") and by == values.get("To") else None
