"""Query parameters that may be kept. A list of names, never of prefixes: `utm_email` exists in the wild."""

from dni.ledger.schema import SUBS
from dni.session.click_ids import CLICK_IDS

SOURCE = ("utm_source", "mtm_source", "pk_source")
MEDIUM = ("utm_medium", "mtm_medium", "pk_medium")
CAMPAIGN = ("utm_campaign", "mtm_campaign", "pk_campaign", "pk_cpn")
KEYWORD = ("utm_term", "hsa_kw", "mtm_keyword", "mtm_kwd", "pk_keyword", "pk_kwd")
CONTENT = ("utm_content", "mtm_content", "pk_content")
"""Which parameters say a field of the touch, the best first."""

AD_PARAMS = frozenset({"hsa_acc", "hsa_cam", "hsa_grp", "hsa_ad", "hsa_tgt", "campaign_id", "adset_id", "ad_id"})
"""Set only in an ad's link template (HubSpot's, Meta's): with them an fbclid is a paid click."""

GOOGLE_AD = frozenset({"gad_source", "gad_campaignid"})
"""Google Ads adds them beside its click id. Browsers that take ids out of links leave them: still a paid click."""

OTHERS = AD_PARAMS | {
    *(*SUBS, "subid"),
    *("utm_id", "utm_source_platform", "utm_creative_format", "utm_marketing_tactic"),
    *("mtm_cid", "mtm_group", "mtm_placement", "pk_cid"),
    *("hsa_src", "hsa_mt", "hsa_net", "hsa_ver"),
    *("gclsrc", *GOOGLE_AD),
    "mc_cid",  # not mc_eid, which names the recipient
}

FIELD, CLICK, OTHER = 0, 1, 2
KIND: dict[str, int] = (
    dict.fromkeys((*SOURCE, *MEDIUM, *CAMPAIGN, *KEYWORD, *CONTENT), FIELD)
    | dict.fromkeys(CLICK_IDS, CLICK)
    | dict.fromkeys(OTHERS, OTHER)
)
"""Every allow-listed lower-case name and where its value goes in the touch."""
