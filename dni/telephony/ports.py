"""Which carriers we speak to, by the name in their addresses (`/voice/{kind}/…`)."""

from dni.telephony.model import Port
from dni.telephony.twilio import Twilio

PORTS: dict[str, Port] = {"twilio": Twilio()}
