"""Where data may be: countries, the European Union, and the regions of the three clouds."""

from __future__ import annotations

from collections.abc import Iterator

from durable_compiler.grammar.names import STRUCTURE
from durable_compiler.grammar.sentence import Fault, Sentence

_EUROPEAN_UNION = frozenset("at be bg cy cz de dk ee es fi fr gr hr hu ie it lt lu lv mt nl pl pt ro se si sk".split())
# Code to how canonical English writes it, then the other names.
_AREAS: dict[str, tuple[str, ...]] = {
    "eu": ("the EU", "european union"),
    "us": ("the US", "united states", "united states of america", "usa", "u.s", "america"),
    "uk": ("the UK", "united kingdom", "great britain", "britain", "gb", "u.k"),
    "ae": ("the United Arab Emirates", "uae"),
    "at": ("Austria",), "au": ("Australia",), "be": ("Belgium",), "bg": ("Bulgaria",), "bh": ("Bahrain",),
    "br": ("Brazil",), "ca": ("Canada",), "ch": ("Switzerland",), "cl": ("Chile",), "cn": ("China",),
    "cy": ("Cyprus",), "cz": ("Czechia", "czech republic"), "de": ("Germany",), "dk": ("Denmark",),
    "ee": ("Estonia",), "es": ("Spain",), "fi": ("Finland",), "fr": ("France",), "gr": ("Greece",),
    "hk": ("Hong Kong",), "hr": ("Croatia",), "hu": ("Hungary",), "id": ("Indonesia",), "ie": ("Ireland",),
    "il": ("Israel",), "in": ("India",), "it": ("Italy",), "jp": ("Japan",), "kr": ("South Korea", "korea"),
    "lt": ("Lithuania",), "lu": ("Luxembourg",), "lv": ("Latvia",), "mt": ("Malta",), "mx": ("Mexico",),
    "my": ("Malaysia",), "nl": ("the Netherlands",), "no": ("Norway",), "nz": ("New Zealand",),
    "pl": ("Poland",), "pt": ("Portugal",), "qa": ("Qatar",), "ro": ("Romania",), "sa": ("Saudi Arabia",),
    "se": ("Sweden",), "sg": ("Singapore",), "si": ("Slovenia",), "sk": ("Slovakia",), "th": ("Thailand",),
    "tw": ("Taiwan",), "za": ("South Africa",),
}  # fmt: skip
# Every public region of the clouds that Snowflake runs in, by the country that it stands in.
_AWS = {
    "us": "us-east-1 us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1", "ca": "ca-central-1 ca-west-1",
    "mx": "mx-central-1", "br": "sa-east-1", "de": "eu-central-1", "ch": "eu-central-2", "ie": "eu-west-1",
    "uk": "eu-west-2", "fr": "eu-west-3", "se": "eu-north-1", "it": "eu-south-1", "es": "eu-south-2",
    "za": "af-south-1", "bh": "me-south-1", "ae": "me-central-1", "il": "il-central-1",
    "in": "ap-south-1 ap-south-2", "jp": "ap-northeast-1 ap-northeast-3", "kr": "ap-northeast-2",
    "sg": "ap-southeast-1", "au": "ap-southeast-2 ap-southeast-4", "id": "ap-southeast-3", "my": "ap-southeast-5",
    "nz": "ap-southeast-6", "th": "ap-southeast-7", "hk": "ap-east-1", "tw": "ap-east-2",
    "cn": "cn-north-1 cn-northwest-1",
}  # fmt: skip
_AZURE = {
    "us": "eastus eastus2 centralus northcentralus southcentralus westcentralus westus westus2 westus3",
    "ca": "canadacentral canadaeast", "br": "brazilsouth brazilsoutheast", "mx": "mexicocentral", "cl": "chilecentral",
    "ie": "northeurope", "nl": "westeurope", "de": "germanywestcentral germanynorth",
    "fr": "francecentral francesouth", "uk": "uksouth ukwest", "ch": "switzerlandnorth switzerlandwest",
    "no": "norwayeast norwaywest", "se": "swedencentral swedensouth", "it": "italynorth", "pl": "polandcentral",
    "es": "spaincentral", "at": "austriaeast", "il": "israelcentral", "ae": "uaenorth uaecentral",
    "qa": "qatarcentral", "za": "southafricanorth southafricawest", "in": "centralindia southindia westindia",
    "hk": "eastasia", "sg": "southeastasia", "jp": "japaneast japanwest", "kr": "koreacentral koreasouth",
    "au": "australiaeast australiasoutheast australiacentral australiacentral2", "nz": "newzealandnorth",
    "id": "indonesiacentral", "my": "malaysiawest",
}  # fmt: skip
_GCP = {
    "us": "us-central1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4",
    "ca": "northamerica-northeast1 northamerica-northeast2", "mx": "northamerica-south1", "br": "southamerica-east1",
    "cl": "southamerica-west1", "be": "europe-west1", "uk": "europe-west2", "de": "europe-west3 europe-west10",
    "nl": "europe-west4", "ch": "europe-west6", "it": "europe-west8 europe-west12", "fr": "europe-west9",
    "es": "europe-southwest1", "fi": "europe-north1", "se": "europe-north2", "pl": "europe-central2",
    "tw": "asia-east1", "hk": "asia-east2", "jp": "asia-northeast1 asia-northeast2", "kr": "asia-northeast3",
    "in": "asia-south1 asia-south2", "sg": "asia-southeast1", "id": "asia-southeast2",
    "au": "australia-southeast1 australia-southeast2", "il": "me-west1", "qa": "me-central1", "sa": "me-central2",
    "za": "africa-south1",
}  # fmt: skip
_CLOUDS: dict[str, tuple[str, ...]] = {
    "aws": ("aws", "amazon web services", "amazon"),
    "azure": ("microsoft azure", "azure"),
    "gcp": ("gcp", "google cloud platform", "google cloud"),
}
# `aws:eu-central-1` to its country.
CLOUD_REGIONS: dict[str, str] = {
    f"{cloud}:{region}": country
    for cloud, countries in (("aws", _AWS), ("azure", _AZURE), ("gcp", _GCP))
    for country, regions in countries.items()
    for region in regions.split()
}
AREAS: dict[str, str] = {code: names[0] for code, names in _AREAS.items()}
# Spelling to region: `eu-central-1`, Snowflake's `AWS_EU_CENTRAL_1` and `aws:eu-central-1` are one. Hyphens count:
# us-east-1 is a region of AWS, us-east1 one of GCP.
_SPELT = {name.partition(":")[2]: name for name in CLOUD_REGIONS} | {
    name.replace(":", "-"): name for name in CLOUD_REGIONS
}
_NAMES: dict[tuple[str, ...], str] = {
    tuple(name.casefold().removeprefix("the ").split()): code for code, names in _AREAS.items() for name in names
}
# Names that are areas only in capitals.
_ALSO_WORDS = frozenset(("us", "gb"))
# What people call a part of the world, and what of it can be said exactly.
_WIDER = {
    "europe": ("the EU", "the UK", "Switzerland"), "emea": ("the EU", "the UK"), "eea": ("the EU", "Norway"),
    "north america": ("the US", "Canada", "Mexico"), "apac": ("Singapore", "Japan", "Australia"),
    "asia": ("Singapore", "Japan", "India"),
}  # fmt: skip
_LONGEST_NAME = 4
_HELP = "Write the EU, a country, or a cloud's region such as aws eu-central-1."


def lies_in(inner: str, outer: str) -> bool:
    """Whether one region is within another: aws:eu-central-1 in de and in eu, aws:eu-west-2 (London) in neither."""
    if inner == outer:
        return True
    country = CLOUD_REGIONS.get(inner, inner)
    return country == outer or (outer == "eu" and country in _EUROPEAN_UNION)


def in_words(region: str) -> str:
    """The canonical English of a region."""
    return AREAS.get(region) or region.replace(":", " ")


def regions(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str | Fault, ...]]]:
    """`the EU`, `Germany or France`, `aws eu-central-1`: each of them is allowed."""
    for end, first in region(sentence, at):
        yield end, (first,)
        for start in _separators(sentence, end):
            for after, rest in regions(sentence, start):
                if first not in rest:
                    yield after, (first, *rest)


def _separators(sentence: Sentence, at: int) -> Iterator[int]:
    start = at + (sentence.norm(at) == ",")
    if sentence.norm(start) in ("and", "or", "&", "/", "+"):
        start += 1
    if start > at:
        yield start + (sentence.norm(start) in ("in", "within"))


def region(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """One area or region of a cloud, with an article and `region` around it."""
    start = at + (sentence.norm(at) == "the")
    start += sentence.norm(start) in ("region", "regions")
    found = False
    for end, name in (*_cloud_region(sentence, start), *_area(sentence, start)):
        found = True
        yield end, name
        if sentence.norm(end) in ("region", "regions"):
            yield end + 1, name
    if not found and not sentence.strict:
        yield from _unknown(sentence, start)


def _area(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """An area by name, or by a code in capitals, since `in` and `us` are words too."""
    for size in range(1, _LONGEST_NAME + 1):
        words = tuple(sentence.norm(at + offset) for offset in range(size))
        if words in _NAMES and (words[0] not in _ALSO_WORDS or sentence.spelling(at, at + 1).isupper()):
            yield at + size, _NAMES[words]
    word = sentence.norm(at)
    if word in _AREAS and (word,) not in _NAMES and sentence.spelling(at, at + 1).isupper():
        yield at + 1, word


def _cloud_region(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    for start, cloud in ((at, ""), *_cloud(sentence, at)):
        start += cloud != "" and sentence.norm(start) in (":", "/")
        start += cloud != "" and sentence.norm(start) in ("region", "in")
        for end in range(start, min(start + 4, len(sentence.tokens))):
            name = _SPELT.get(_spelling(sentence, start, end + 1))
            if name is not None and name.startswith(cloud):
                yield end + 1, name


def _spelling(sentence: Sentence, start: int, end: int) -> str:
    """The words as a cloud writes its regions: West Europe is westeurope."""
    text = sentence.spelling(start, end).casefold().strip("`")
    return text.translate(str.maketrans("_:", "--", " "))


def _cloud(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    for cloud, names in _CLOUDS.items():
        for name in names:
            words = name.split()
            if [sentence.norm(at + offset) for offset in range(len(words))] == words:
                yield at + len(words), cloud + ":"


def _unknown(sentence: Sentence, at: int) -> Iterator[tuple[int, Fault]]:
    from durable_compiler.catalogue import nearest

    for end in range(at + 1, min(at + 5, len(sentence.tokens) + 1)):
        if sentence.kind(end - 1) not in ("word", "code", "number") or sentence.norm(end - 1) in STRUCTURE:
            return
        spelt = sentence.spelling(at, end)
        close = _WIDER.get(spelt.casefold()) or nearest(spelt, [*AREAS.values(), *map(in_words, CLOUD_REGIONS)])
        yield end, sentence.fault("DUR054", f"'{spelt}' is no region that is known here", at, end, _HELP, close)
