"""Which carriers we speak to, by the name in their addresses (`/voice/{kind}/…`)."""

from dni.telephony.generic import Generic
from dni.telephony.model import Port
from dni.telephony.plivo import Plivo
from dni.telephony.signalwire import SignalWire
from dni.telephony.telnyx import Telnyx
from dni.telephony.twilio import Twilio

PORTS: dict[str, Port] = {
    "twilio": Twilio(),
    "signalwire": SignalWire(),
    "telnyx": Telnyx(),
    "plivo": Plivo(),
    "generic": Generic(),
}
