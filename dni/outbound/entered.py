"""What is entered to make or change an endpoint: it checks and normalises itself when it is made. Pure."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from dni.campaign import model
from dni.campaign.model import Id, Name
from dni.errors import InvalidField
from dni.outbound import address, payload, signing, webhook
from dni.outbound.kinds import KINDS
from dni.outbound.model import Only, Type
from dni.outbound.webhook import Role

Events = Annotated[list[Type], msgspec.Meta(min_length=1, max_length=20, examples=[["call.qualified"]])]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=address.LONGEST, examples=["https://example.com/calls"])]
Fields = Annotated[list[str], msgspec.Meta(min_length=1, max_length=200)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Named = dict[str, Any]


class NewWebhook(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`events` left out: all. `campaign`, `publisher` null: of all. `only`: which calls. `fields` null: everything.
    `role`: it is told as that role would read it. `paused`: what happens waits until it goes on. `secret`: your own;
    null: one is made."""

    name: Name
    url: Url
    events: Events | None = None
    campaign: Id | None = None
    publisher: Id | None = None
    only: Only = Only()
    fields: Fields | None = None
    role: Role = "staff"
    paused: bool = False
    secret: Secret | None = None

    def __post_init__(self) -> None:
        self.name = model.text(self.name, "/name")
        self.url = address.checked(self.url, "/url")
        if self.secret is not None:
            signing.checked(self.secret, "/secret")
        if self.fields is not None:
            self.fields = payload.checked(self.fields, "/fields")


class WebhookChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; `only` and `fields` are replaced as a whole. `secret`: another one, as by a rotation."""

    name: Name | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    campaign: Id | UnsetType | None = UNSET
    publisher: Id | UnsetType | None = UNSET
    only: Only | UnsetType = UNSET
    fields: Fields | UnsetType | None = UNSET
    role: Role | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.name is not UNSET:
            self.name = model.text(self.name, "/name")
        if self.url is not UNSET:
            self.url = address.checked(self.url, "/url")
        if self.secret is not UNSET:
            signing.checked(self.secret, "/secret")
        if isinstance(self.fields, list):
            self.fields = payload.checked(self.fields, "/fields")


class NewIntegration(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`settings` and `secrets` are those of its `kind`. `events` left out: what the kind asks for. The rest as of a
    webhook."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    name: Name
    events: Events | None = None
    campaign: Id | None = None
    publisher: Id | None = None
    only: Only = Only()
    settings: Named = {}
    secrets: Named = {}
    paused: bool = False

    def __post_init__(self) -> None:
        kinds = [name for name in KINDS if name != webhook.NAME]
        if self.kind not in kinds:
            raise InvalidField("/kind", f"one of {', '.join(kinds)}; webhooks are made at /webhooks")
        self.name = model.text(self.name, "/name")


class IntegrationChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays, also inside `settings` and `secrets`; null there takes one away."""

    name: Name | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    campaign: Id | UnsetType | None = UNSET
    publisher: Id | UnsetType | None = UNSET
    only: Only | UnsetType = UNSET
    settings: Named | UnsetType = UNSET
    secrets: Named | UnsetType = UNSET
    paused: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.name is not UNSET:
            self.name = model.text(self.name, "/name")
