"""Carriers' documents read back into the words of our own instructions, as far as a document tells them.

A menu's keys and the text of a whisper stand in no document: they come out empty.
"""

from xml.etree.ElementTree import Element

from dni.telephony.model import Connect, HangUp, Instruction, Last, Menu, Prompt, Reject, Voicemail

_MENUS = {"Gather": "timeout", "GetInput": "executionTimeout"}


def instruction(root: Element) -> Instruction:
    """Of a checked document, of either language."""
    elements = list(root)
    said = [_prompt(element) for element in elements if element.tag in ("Say", "Speak", "Play")]
    rest = [element for element in elements if element.tag not in ("Say", "Speak", "Play")]
    tags = [element.tag for element in rest]
    last: Last
    if tags in (["Gather", "Redirect"], ["GetInput", "Redirect"]):
        last = _menu(*rest)
    elif tags == ["Record"]:
        last = _voicemail(rest[0], said.pop())
    elif tags in (["Dial"], ["Record", "Dial"]):
        last = _connect(rest[-1], records=len(rest) > 1)
    elif tags == ["Reject"] or (tags == ["Hangup"] and rest[0].get("reason")):
        assert not said, "to speak is to take the call"
        last = Reject(reason="busy" if rest[0].get("reason") == "busy" else "rejected")
    else:
        assert tags == ["Hangup"], tags
        last = HangUp()
    return Instruction(last, tuple(said))


def whisper(root: Element) -> Prompt | None:
    """What a destination hears; nothing else may stand there."""
    assert all(element.tag in ("Say", "Speak", "Play") for element in root), [element.tag for element in root]
    return _prompt(root[0]) if len(root) else None


def _prompt(element: Element) -> Prompt:
    if element.tag == "Play":
        return Prompt(audio=element.text)
    return Prompt(text=element.text, language=element.get("language", "en-US"))


def _menu(asks: Element, otherwise: Element) -> Menu:
    url = asks.attrib["action"]
    assert otherwise.text == url, "silence leads elsewhere than a key"
    assert otherwise.get("method") == "POST"
    assert asks.get("numDigits") == "1"
    [prompt] = [_prompt(child) for child in asks]
    return Menu(prompt=prompt, keys=(), timeout_s=int(asks.attrib[_MENUS[asks.tag]]), step_url=url)


def _voicemail(record: Element, prompt: Prompt) -> Voicemail:
    return Voicemail(
        prompt=prompt,
        longest_s=int(record.attrib["maxLength"]),
        step_url=record.attrib["action"],
        status_url=record.get("recordingStatusCallback") or record.get("callbackUrl"),
    )


def _connect(dial: Element, *, records: bool) -> Connect:
    numbers = list(dial)
    of_leg = numbers[0]
    status_url = of_leg.get("statusCallback") or dial.attrib["callbackUrl"]
    assert all(number.attrib == of_leg.attrib for number in numbers)
    # Plivo is asked to tell how it ended where nothing is to be asked.
    asks = dial.get("redirect") != "false"
    return Connect(
        destinations=tuple(_e164(number.text or "") for number in numbers),
        timeout_s=int(dial.attrib["timeout"]),
        status_url=status_url,
        step_url=dial.get("action") if asks else None,
        whisper_url=of_leg.get("url") or dial.get("confirmSound"),
        record=records or dial.get("record", "do-not-record") != "do-not-record",
        caller_id=_e164(dial.attrib["callerId"]) if "callerId" in dial.attrib else None,
    )


def _e164(number: str) -> str:
    return number if number.startswith("+") else f"+{number}"
