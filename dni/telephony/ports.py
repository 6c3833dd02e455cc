"""Which carriers we speak to, by the name in their addresses (`/voice/{kind}/…`)."""

from dni.telephony.generic import Generic
from dni.telephony.model import Port
from dni.telephony.twilio import Twilio

PORTS: dict[str, Port] = {"generic": Generic(), "twilio": Twilio()}
