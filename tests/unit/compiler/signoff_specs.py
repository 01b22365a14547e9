"""Requirements for the sign-off page's tests, and a reader of the page's structure."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from durable_compiler import catalogue
from durable_compiler.signoff import SignOff, as_html, sign_off

CORPUS_SCHEMA = Path(__file__).parents[2] / "cases" / "language" / "corpus" / "salesforce.schema.json"
EVERY_KIND = """# Every kind of clause

- R1.1 Syncs Accounts, Contacts, Opportunities and Customer Health from Salesforce
- R1.2 Leaves out Contact Birthdate
- R1.3 Includes the Account's Name with each Contact as account_name
- R1.4 Only syncs Accounts whose Annual Revenue is at least 1 million
- R1.5 Loads history from January 1, 2023
- R1.6 Runs on weekdays at 18:30 Europe/Berlin
- R2.1 Writes to DuckDB table customer_data
- R2.2 Upserts existing records and inserts new ones
- R2.3 Commits in batches of 10,000 rows
- R3.1 Reads only records modified since the last run
- R3.2 Re-reads formula fields every night
- R3.3 Checks every Sunday for records that were deleted for good
- R3.4 Marks deleted records instead of removing them
- R4.1 Deduplicates Contacts by External ID, keeping the latest
- R4.2 Stores Account Phone as phone_number
- R4.3 Trims and lower-cases Contact Email
- R4.4 Stores dates as ISO 8601 in UTC
- R4.5 Maps Health Status Green, Yellow and Red to healthy, at_risk and critical; anything else becomes unknown
- R4.6 Sets tier to strategic when Annual Revenue is at least 10 million, otherwise standard
- R4.7 Stores the days until Opportunity Close Date as days_to_close
- R4.8 A missing Account Industry becomes Unknown
- R4.9 Treats N/A and - as a missing Contact Phone
- R4.10 Contact Email is required
- R4.11 Health Score must be between 0 and 100
- R4.12 Fails the run if any Account has no Name
- R5.1 Keeps unmapped fields in the extensions column
- R5.2 Retries rate limits and network errors up to 5 times
- R5.3 Alerts #data-ops on Slack when a run fails
- R5.4 Stops if more than 20% of rows would change
- R5.5 Fails when Salesforce returns no Accounts
- R5.6 A run takes at most 1 hour
- R5.7 Uses at most half of the daily Salesforce API calls
- R5.8 Hashes Contact Phone
- R5.9 Data stays in the EU
- R5.10 Keeps monitoring data for 90 days
- R5.11 Changes to this spec need 2 approvals from a data owner
- R5.12 Deploys blue/green
"""


def project(root: Path, text: str, schema: str | None = None) -> Path:
    """A project with one pipeline, crm."""
    folder = root / "requirements"
    folder.mkdir(parents=True)
    (folder / "crm.md").write_text(text, encoding="utf-8")
    schema = schema if schema is not None else CORPUS_SCHEMA.read_text(encoding="utf-8")
    (folder / "salesforce.schema.json").write_text(schema, encoding="utf-8")
    catalogue.load(folder / "salesforce.schema.json")
    return root


def page_of(root: Path) -> tuple[SignOff, Page]:
    """What the page says, and the page as a browser would take it apart."""
    told, _ = sign_off(root, "crm")
    return told, Page.read(as_html(told))


@dataclass
class Element:
    """A tag with its attributes; `open` are the tags around it."""

    tag: str
    attributes: dict[str, str]
    around: tuple[str, ...]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Every element in order with the text inside it; a tag that is not closed in its turn is an error."""

    elements: list[Element] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    EMPTY = frozenset({"meta"})

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[Element] = []

    @classmethod
    def read(cls, text: str) -> Page:
        """The elements of a page."""
        page = cls()
        page.feed(text)
        page.close()
        assert page.open == []
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        assert len({name for name, _ in attrs}) == len(attrs), attrs
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append(Element(tag, attributes, tuple(one.tag for one in self.open)))
        if tag not in self.EMPTY:
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag: str) -> None:
        """End the innermost element, which must be this one."""
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Text belongs to every element around it."""
        for one in self.open:
            one.text += data

    def handle_comment(self, data: str) -> None:
        """A comment, of which the page has none."""
        self.comments.append(data)

    def all(self, *tags: str) -> list[Element]:
        """The elements with these tags."""
        return [one for one in self.elements if one.tag in tags]

    def texts(self, *tags: str) -> list[str]:
        """What stands in the elements with these tags."""
        return [" ".join(one.text.split()) for one in self.all(*tags)]
