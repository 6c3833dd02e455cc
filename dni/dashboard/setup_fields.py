"""What the guided set-up asks for, and what becomes of the answers. Pure."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from dni.call.views import CallView
from dni.campaign.campaigns import CampaignView
from dni.dashboard import carrier_fields, forms, words, zones
from dni.dashboard.forms import Field, Sheet
from dni.errors import InvalidField
from dni.pool.pools import PoolBrief
from dni.tag.model import NewTag
from dni.telephony.accounts import KINDS
from dni.web.body import invalid

IS_POOLED = "this is one of your tracking numbers: here belongs the number that stands on your page now"

_BACK = ("/setup", "Set-up")

CAMPAIGN = Sheet(
    operation="create_campaign",
    here="setup",
    title="Where shall calls go?",
    button="Save and go on",
    action="/setup/campaign",
    back=_BACK,
    fields=(
        Field(name="name", label="Name", help="What you advertise: you find its calls by it.", placeholder="Spring"),
        Field(
            name="destination",
            label="The telephone that rings",
            kind="phone",
            help="Your office, shop or call centre: every call is put through to it. Outside North America begin "
            "with + and the country's code.",
            placeholder="(212) 555-0143",
        ),
        Field(
            name="timezone",
            label="Time zone",
            kind="select",
            choices=zones.choices(),
            default="America/New_York",
            help="Days and hours of its reports are counted in it.",
        ),
    ),
)  # fmt: skip


def carrier(kind: str) -> Sheet:
    called = KINDS[kind].called
    return Sheet(
        operation="create_carrier",
        here="setup",
        title=f"Connect your {called}",
        button="Connect",
        action="",
        back=_BACK,
        fields=(
            Field(name="name", label="Name", default=f"My {called}", help="To tell it from other accounts."),
            carrier_fields.account(kind),
            carrier_fields.proof(kind),
        ),
    )


def numbers(campaign: CampaignView, pool: PoolBrief | None) -> Sheet:
    return Sheet(
        operation="create_pool",
        here="setup",
        title="Which numbers may your page show?",
        button="Add these numbers" if pool else "Save and go on",
        action=f"/setup/campaigns/{campaign.id}/numbers",
        back=_BACK,
        fields=(
            Field(
                name="numbers",
                label="Your tracking numbers",
                kind="numbers",
                some=True,
                help="One a line, as you like to write them; outside North America with + and the country's code.",
                placeholder="(212) 555-0120\n(212) 555-0121\n(212) 555-0122",
            ),
        ),
    )


def page(campaign: CampaignView) -> Sheet:
    return Sheet(
        operation="create_tag",
        here="setup",
        title="Where is your page?",
        button="Make the tag",
        action=f"/setup/campaigns/{campaign.id}/page",
        back=_BACK,
        fields=(
            Field(
                name="url",
                label="Address of your page",
                empty="omit",
                help="Any page of your site; copy it from the browser. Without one, begin with a test page of ours.",
                placeholder="https://www.example.com/",
            ),
            Field(
                name="target",
                label="The number printed on it",
                kind="phone",
                default=_written(campaign.destination or ""),
                help="The tag puts a tracking number in its place. Often it is the number where calls go.",
            ),
            Field(
                name="test",
                label="Let me try it on a test page of this service, too",
                kind="checkbox",
                default="on",
            ),
        ),
    )


def step_of(sheet: Sheet) -> str:
    return {"create_campaign": "campaign", "create_pool": "numbers", "create_tag": "page"}[sheet.operation]


def tag(sheet: Sheet, sent: Mapping[str, str], campaign: CampaignView, pool: str, here: str) -> NewTag:
    """The campaign's first tag; `here`: this service's own origin. Raises InvalidField by the form's fields."""
    told = forms.body(sheet, sent)
    places = origins(told["url"]) if "url" in told else []
    name = urlsplit(places[0]).hostname if places else None
    if told["test"] or not places:
        places.append(here)
    made = {
        "name": name or f"{campaign.name[:180]}: test page",
        "campaign": campaign.id,
        "pool": pool,
        "origins": places,
        "targets": [told["target"]],
    }
    try:
        return msgspec.convert(made, NewTag)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except InvalidField as error:
        asked = "/target" if error.errors[0].path.startswith("/targets") else "/url"
        raise InvalidField(asked, error.errors[0].message, code=error.code) from None


def rang(call: CallView) -> str:
    """`It rang: google / cpc brought the call.`"""
    if call.source is None:
        return "It rang. No visitor who was shown the number fits the call."
    by = " / ".join(part for part in (call.source, call.medium) if part)
    return f"It rang: {by} brought the call."


def origins(url: str) -> list[str]:
    """That of the page, and the same site's with or without www: people reach it by both. Raises InvalidField."""
    text = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:
        host = ""
    if not host or "@" in parts.netloc or parts.scheme not in ("http", "https"):
        raise InvalidField("/url", "a page's address, such as https://www.example.com/")
    twin = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}" if _is_domain(host) else host
    return list(dict.fromkeys(f"{parts.scheme}://{each}{port}" for each in (host, twin)))


def _is_domain(host: str) -> bool:
    """`example.com`, but neither `shop.example.com` nor an address in digits."""
    return host.count(".") == 1 and not host.replace(".", "").isdigit()


def _written(destination: str) -> str:
    """A number of North America as it stands on pages there, others with their country."""
    return words.number(destination, "" if destination.startswith("+1") else "+1") if destination else ""
