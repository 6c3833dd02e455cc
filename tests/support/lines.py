"""The lines of all carriers, by the name in their addresses."""

from tests.support.generic_line import GenericLine
from tests.support.line import Line
from tests.support.plivo_line import PlivoLine
from tests.support.twiml_lines import SignalWireLine, TelnyxLine, TwilioLine

LINES: dict[str, type[Line]] = {
    line.kind: line for line in (TwilioLine, SignalWireLine, TelnyxLine, PlivoLine, GenericLine)
}
