"""Ad networks' and trackers' postbacks: the address that each wants, and how its answer is read. Pure.

As their public documentation had it in November 2026:

- TUNE: https://support.tune.com/hc/en-us/articles/4413247665431-Receiving-Conversions-via-Postback-URL, a GET that is
  answered `success=true;` or `success=false; err_msg=…;`, both with 200.
- CAKE: https://support.getcake.com/support/solutions/articles/13000103758-how-to-integrate-with-cake. What `p.ashx`
  answers is not documented, nor are `f=pb` and `t`, a transaction's id, which addresses in public code have. A `<code>`
  that is not 0, as CAKE's documented interfaces have it, is taken for a refusal, and all else of a 200 for a success.
- Everflow: https://helpdesk.everflow.io/customer/accessing-editing-s2s-postback-urls. `nid` and `transaction_id` are
  required. Its answer is not documented; what it thinks of a conversion stands in its report, under Error Code.
- Voluum: https://doc.voluum.com/article/parameters-in-postback-urls. `cid` is required.
- RedTrack: https://help.redtrack.io/knowledgebase/kb/conversion-tracking/supported-dynamic-parameters and
  https://help.redtrack.io/knowledgebase/kb/conversion-tracking/tracking-event-types. `clickid` is required, `sum` is
  what it is worth; with `rdtk_event_id` it can tell a repetition.

Each is told what the publisher gets: what the advertiser pays is nothing that a publisher's network reads. None of them
could be tried against the live service.
"""

import re
from typing import Literal

import msgspec

from dni.outbound.model import Answer, Result, plain_result

Platform = Literal["other", "tune", "cake", "everflow", "voluum", "redtrack"]


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """`url`: what stands in <…> is the user's to fill in; an address with it is refused. `says`: what else is to do."""

    platform: Platform
    label: str
    url: str
    adjust_url: str = ""
    method: Literal["GET", "POST"] = "GET"
    says: str
    documentation: str


_CLICK = "Let the network put its {0} into sub1 of your landing page's address, such as ?sub1={1}."

PRESETS: tuple[Preset, ...] = (
    Preset(
        platform="tune",
        label="TUNE (HasOffers)",
        url="https://<DOMAIN>/aff_lsr?offer_id=<OFFER ID>&transaction_id={sub1!}&amount={payout}&adv_sub={call_id}",
        says=_CLICK.format("transaction id", "{transaction_id}")
        + " With a security token, end the address in &security_token={secret}.",
        documentation="https://support.tune.com/hc/en-us/articles/4413247665431-Receiving-Conversions-via-Postback-URL",
    ),
    Preset(
        platform="cake",
        label="CAKE",
        url="https://<DOMAIN>/p.ashx?o=<OFFER ID>&e=<EVENT ID>&f=pb&r={sub1!}&t={call_id}",
        says=_CLICK.format("request session id", "#reqid#") + " What a conversion pays is the offer's affair in CAKE.",
        documentation="https://support.getcake.com/support/solutions/articles/13000103758-how-to-integrate-with-cake",
    ),
    Preset(
        platform="everflow",
        label="Everflow",
        url="https://<DOMAIN>/?nid=<NETWORK ID>&transaction_id={sub1!}&amount={payout}&order_id={call_id}",
        says=_CLICK.format("transaction id", "{transaction_id}")
        + " With a verification token, end the address in &verification_token={secret}.",
        documentation="https://helpdesk.everflow.io/customer/accessing-editing-s2s-postback-urls",
    ),
    Preset(
        platform="voluum",
        label="Voluum",
        url="https://<DOMAIN>/postback?cid={sub1!}&payout={payout}&currency={currency}&txid={call_id}",
        says=_CLICK.format("click id", "{clickid}"),
        documentation="https://doc.voluum.com/article/parameters-in-postback-urls",
    ),
    Preset(
        platform="redtrack",
        label="RedTrack",
        url="https://<DOMAIN>/postback?clickid={sub1!}&sum={payout}&type=<CONVERSION TYPE>&rdtk_event_id={call_id}",
        says=_CLICK.format("click id", "{clickid}"),
        documentation="https://help.redtrack.io/knowledgebase/kb/conversion-tracking/supported-dynamic-parameters",
    ),
)

_TUNE = re.compile(r"\bsuccess=(true|false)\b(?:;\s*err_msg=(.*?);?\s*$)?", re.DOTALL)
_CAKE_CODE = re.compile(r"<code>\s*([^<]*?)\s*</code>", re.IGNORECASE)
_CAKE_SAYS = re.compile(r"<msg>\s*([^<]*?)\s*</msg>", re.IGNORECASE)
_LONGEST = 300


def judged(platform: Platform, answer: Answer, attempts: int) -> Result:
    """`attempts`: how often it was tried before: an answer may have been lost on its way."""
    plain = plain_result(answer)
    if plain.state != "delivered":
        return plain
    body = answer.body.decode("utf-8", "replace").strip()
    if platform == "tune":
        return _tune(body, attempts)
    return _cake(body, attempts) if platform == "cake" else plain


def _tune(body: str, attempts: int) -> Result:
    found = _TUNE.search(body)
    if found is None:
        return Result("again", "it answered 200, but not as TUNE does: is the domain that of your TUNE account?")
    if found[1] == "true":
        return Result("delivered")
    return _refused("TUNE", found[2] or body, attempts)


def _cake(body: str, attempts: int) -> Result:
    code = _CAKE_CODE.search(body)
    if code is None or code[1] == "0":
        return Result("delivered")
    said = _CAKE_SAYS.search(body)
    return _refused("CAKE", said[1] if said and said[1] else f"code {code[1]}", attempts)


def _refused(label: str, said: str, attempts: int) -> Result:
    if attempts and "duplicate" in said.lower():
        return Result("delivered")
    return Result("dead", f"{label} refused it: {said[:_LONGEST]}", failed=False)
