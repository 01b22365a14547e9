"""Where the data may be: the regions of the profile against those that the requirements allow."""

from __future__ import annotations

import re

from durable_runtime.configuration import Profile
from durable_runtime.errors import RegionMismatch
from durable_runtime.spec import Policies

CLOUDS = ("aws", "azure", "gcp")
# Clouds name their European regions eu-…, europe-… or …europe, and those of the United States us-…, eastus or westus2.
SPELLINGS = {"eu": r"eu|europe|\w*europe", "us": r"us|\w*us\d*"}


def check(policies: Policies, profile: Profile) -> None:
    """Raise RegionMismatch unless the warehouse is in an allowed region, and Salesforce where its region is known."""
    if not policies.regions:
        return
    places = {"profiles.{}.warehouse": profile.warehouse.region, "profiles.{}.salesforce": profile.salesforce.region}
    for place, region in places.items():
        if region is None and place.endswith("salesforce"):
            continue
        if not any(inside(region or "", allowed) for allowed in policies.regions):
            whose = policies.behind("regions") or "The spec"
            where = f"{place.format(profile.name)}.region is {region or 'not set'}"
            raise RegionMismatch(
                f"{whose} lets the data be in {', '.join(policies.regions)} only, but {where}.",
                help="Write the region that it is really in into durable.toml, or use another profile.",
                requirement=policies.behind("regions"),
            )


def inside(region: str, allowed: str) -> bool:
    """Whether a region (aws:eu-central-1, AWS_EU_CENTRAL_1, eu) lies in an allowed one (eu, or aws:eu-central-1)."""
    found, wanted = _plain(region), _plain(allowed)
    if found == wanted:
        return True
    if wanted.startswith(CLOUDS):
        return False
    first = next((part for part in found.split("-") if part not in CLOUDS), "")
    return re.fullmatch(SPELLINGS.get(wanted, re.escape(wanted)), first) is not None


def _plain(region: str) -> str:
    return re.sub(r"[\s:_-]+", "-", region.strip().lower())
