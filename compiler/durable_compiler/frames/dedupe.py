"""Which records are one and the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import ObjectSchema, Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Dedupe(Clause):
    """An object, the fields that identify it, and which record stays."""

    kind: ClassVar[str] = "dedupe"
    object: str
    by: tuple[str, ...]
    keep: str


def build(values: Values, sentence: Sentence) -> Dedupe | Fault | None:
    """The clause of a reading."""
    if "keys" not in values:
        return None
    owner = sentence.catalogue.by_name[values["object"]]
    names: list[str] = []
    assumed: tuple[Assumed, ...] = ()
    for key in values["keys"]:
        found = resolve_key(key, owner, sentence)
        if isinstance(found, Fault):
            return found
        name, more = found
        names.append(name)
        assumed += more
    if "keep" not in values:
        assumed += (Assumed("dedupe.keep", "latest", "the sentence does not say which record stays"),)
    return Dedupe(owner.name, tuple(names), values.get("keep", "latest"), assumed=assumed)


def echo(clause: Dedupe, catalogue: Snapshot) -> str:
    """Canonical English."""
    owner = catalogue.by_name[clause.object]
    labels = [catalogue.field_words(owner.name, name) for name in clause.by]
    return f"Deduplicates {catalogue.object_label(owner.name)} by {listed(labels)}, keeping the {clause.keep}"


def ir(clause: Dedupe, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"dedupe": [{"object": clause.object, "by": list(clause.by), "keep": clause.keep}]}


def resolve_key(key: str, owner: ObjectSchema, sentence: Sentence) -> tuple[str, tuple[Assumed, ...]] | Fault:
    """The field that a name means; `External ID` may also be the only field marked so."""
    start, end = sentence.tokens[0].start, sentence.tokens[-1].end
    names = owner.by_key.get(key, ())
    if len(names) == 1:
        return names[0], ()
    if names:
        return Fault(
            "DUR032", f"several fields of {owner.label} have this name", start, end, "Write an API name.", names
        )
    if key != "externalid":
        close = sentence.catalogue.nearest_fields(key, [owner.name])
        return Fault("DUR031", f"{owner.label} has no field '{key}'", start, end, "Write a field of the object.", close)
    marked = [one.name for one in owner.fields if one.externalId]
    if len(marked) == 1:
        return marked[0], (Assumed("dedupe", marked[0], f"it is the only external ID field of {owner.label}"),)
    help = "Name the field that identifies a record."
    return Fault("DUR035", f"{owner.label} has {len(marked)} external ID fields", start, end, help, tuple(marked))


FRAME = Frame(
    kind="dedupe",
    doc="Says which fields identify a record, and which of several is kept.",
    phrases="""
    DEDUP = ~deduplicate/dedupe/dedup | de ~duplicate/dupe | (deduplication/dedupe/dedup | de duplication) [key/rule]
        [of/for] [:]
    MATCH = ~match
    OBJ = [of/for/in/among] <object>
    SHOULD = (should | in case | if/when/where/whenever/for) [there are] [any] [two/several/multiple | more than one |
        two or more] <object> (have/share/has/with/sharing/having) [the/an/a] [same/identical] <keys>
    THEIR = by/on/through/via/from their <keys>
    DUPBE = duplicate <object> %be_to [be] ~recognise/recognize/identify/detect/find/spot/match/determine
    ATMOST = there (must/should/shall/may be | can be) (no more than | at most | only | never more than) one <object>
        [record] (with a given | for a given | for/per each | per | for every) [combination of] <keys>
    FORDUP = (when/if/where/whenever) there are [several/multiple/any] duplicate <object> | (when/if/where/whenever)
        <object> are duplicated
    KEYUSE = ~use [the] <keys> to (identify/find/detect/recognise/recognize/spot/match) (duplicates of/among/in
        <object> | duplicate <object>)
    KEYIS = uniqueness of <object> [is] (~determine/define by | based on | ~establish by | judged by) [the] <keys> |
        <keys> ~identify (a/an/each/every) <object> | <object> uniqueness [is] ~determine/define by [the] <keys> |
        <object> uniqueness [is] (based on) [the] <keys>
    OLDERGOES = [the] (older/earlier) (one/ones/record/records) [is/are/must/should] [be]
        ~drop/remove/delete/discard/lose {keep=latest} | [the] (newer/later) (one/ones/record/records)
        [is/are/must/should] [be] ~drop/remove/delete/discard {keep=first}
    KEEPFOR = ~keep/retain only/just the %which [record/row/one/version] (per | for each/every) <keys>
        (among/of/for/in/across) <object> | only/just ~keep/retain the %which <object> (per | for each/every) <keys> |
        only/just ~keep/retain the %which [record/row/one/version] (per | for each/every) <keys>
        (among/of/for/in/across) <object>
    DUP = duplicate <object> [are/is] [to] ~remove/drop/merge/eliminate/collapse/consolidate/combine
    LISTED = (deduplication/dedupe/dedup | de duplication | ~deduplicate/dedupe/dedup) [of/for] <object> [:/-] <keys>
    UNIQUE = <object> (are/is | must/shall/should be) unique | uniqueness [:] <object>
    AMONG = (of/among/amongst/between/across | out of) [several/multiple/all/any/the/two] <object>
        (with/sharing/having | that/who/which have/share) [the/an/a] [same/identical/matching] <keys>
    DUPWHEN = [two/any] <object> are [considered/treated/regarded/counted/seen] [as] duplicates
        (if/when/where/whenever) (they (have/share) [the/an/a] [same/identical] <keys> | [the/their] <keys>
        (matches/match/agree/agrees | are/is [the] (same/equal/identical)))
    ASONE = <object> (with/sharing/having | that/who/which share/have) [the/an/a] (same/identical) <keys> %be_to [be]
        ~treat/consider/count/regard/handle as (one/duplicates | one record | the same
        [record/person/company/customer]) | only one <object> (per | for each/every) <keys>
        (should/must/may/shall/can) (exist | be kept)
    ONEPERSON = <object> (with/sharing/having | that/who/which share/have) [the/an/a] [same/identical] <keys> are one
        and the same [person/company/record/customer/lead/contact/account]
    SHARES = (if/when/where/whenever) (several/multiple | more than one | two [or more]) <object> (shares/has)
        [the/an/a] [same/identical] <keys>
    APPEARS = (if/when/where/whenever) (an/a/the [same]) <keys> (appears/occurs/exists | is used | shows up)
        (on/in/for) (several/multiple | more than one | two [or more]) <object>
    DETECTION = [the] duplicate detection (of/for/among) <object> is [done/made/based] | [the] (deduplication | de
        duplication) (of/for) <object> is [done/made/based/carried] [out] | <object> duplicates [are
        found/identified/removed] [:] | [the] duplicates (in/on/of) <object> are [found]
    KEYTO = ~use [the] <keys> as [the/a] [unique] key (to/for) (~deduplicate/dedupe | identifying | deduplicating)
        <object> | ~treat/use <keys> as [the/a] [unique/business/dedup] key (of/for) <object>
    MAYNOT = there (must/should/shall/may/can never | must/should/shall/may/can not) be two <object>
        (with/sharing/having) [the/an/a] (same/identical) <keys>
    WANTONE = ~want/need/keep only/just one [record/row] (per | for each/every) <keys> (in/of/for/among) <object> |
        ~want/need only/just one <object> (per | for each/every) <keys>
    RID = [on/in/among/for <object>] ~get rid of duplicate <object> | (on/in/among/for) <object> [,]
        ~remove/drop/merge/eliminate duplicates
    JUSTKEEP = ~keep/retain just the %which <object> (per | for each/every) <keys>
    UNIQUEBY = <object> [:/-/–] unique
    RESTGOES = [and] ~drop/remove/delete/discard/ignore the (rest | others | other ones)
    WITHKEPT = with the %which [%rows | one/version] (kept | being kept | winning)
    SAMEQ = [the] same <keys> ?
    KEEPOBJ = %purely ~keep/retain [only] the %which <object>
    MADE = <object> %be_to [be] (made unique | unique)
    WHEREBY = <object> (which/that/who) (share/have) [the/an/a] (same/identical) <keys> %be_to [be]
        ~deduplicate/dedupe/merge/combine
    SHARE = [the] <object> (sharing | that share | with | that have) [the/an/a] (same/identical) <keys> are duplicates
    REMOVE = ~remove/drop/merge/eliminate/collapse/consolidate/combine/identify/find/detect [older] (duplicate
        <object> | duplicates of/among/in/from <object>) | (for | in case of) duplicate <object>
    DETECT = duplicates of/among/in <object> are ~detect/identify/find/recognise/recognize/match/remove/drop/merge |
        duplicate <object>
    MERGE = <object> (sharing | that share | with | having | that have) [the/an/a] (same/identical) <keys> %be_to
        ~merge/collapse/combine/consolidate [into one] | ~merge/collapse/combine/consolidate <object> (sharing | that
        share | with | having | that have) [the/an/a] (same/identical) <keys> [into one]
    TREAT = ~treat/consider/count/regard [two/several] <object> with/sharing/having [the/an/a] (same/identical) <keys>
        as (one/duplicates | the same | one record | the same record)
    IDBY = [that/which are] (identified/recognised/recognized/determined/detected/defined) by [the] [same] <keys>
    BY = [\\(] (by/on/using/per | based on | by the | with | according to | key is | [with the] same | key) [:] [the]
        <keys> [\\)] | \\( [same] <keys> \\)
    TWO = (if/when/where/whenever) [there are] [two/several/multiple | more than one | two or more] <object>
        (have/share/has/with) [the/an/a] [same/identical] <keys>
    DUPIF = <object> are [considered/treated/counted] [as] duplicates (if/when) they (have/share) [the/an/a]
        (same/identical) <keys> | <object> are [considered] duplicates (if/when) their <keys> (matches/match | are/is
        [the] same/equal/identical)
    SAME = <object> sharing [a/an/the] <keys> are [treated/considered/counted] [as] (one/duplicates | the same) |
        [two/any] <object> (with | having | that share | who share | that have | sharing | with) [the/an/a]
        [same/identical] <keys> (are/count [to] [be] [treated/considered/counted/regarded] [as] (one | one record |
        duplicates | the same [record/lead/contact/account/person/company/customer])) | [two] <object> are
        [considered/treated] [as] (the same | duplicates | one | the same record) (if/when) they (have/share)
        [the/an/a] (same/identical) <keys>
    IDENTIFIES = <keys> uniquely ~identify <object> | <keys> (must/should/shall/has) [to] be unique
        (in/within/among/across) <object> | <keys> is unique (in/within/among/across) <object> | each/every <keys> may
        occur only once in <object> | [unique/dedup/deduplication] key for <object> [:] <keys> | <keys> is [the]
        [unique/dedup/deduplication/business] key (of/for) <object> | [the] [unique/dedup/deduplication/business] key
        (of/for) <object> is <keys> | <object> are [uniquely] ~identify by [their/the] <keys> | ~use <keys> (as [the]
        [unique/dedup/deduplication/business] key for | to ~deduplicate/dedupe) <object>
    NONE = no duplicate <object> | no two <object> (may/can/must/should/shall have/share/be) [the/an/a]
        [same/identical] <keys> | no two <object> (may/can/must/should/shall have/share) [the/an/a] (same/identical)
        <keys>
    ONEOF = <object> [:] one [record/row] (per | for each/every) <keys>
    ONE = ~keep one record/row (per | for each/every) <keys> (for/of/in) <object> | ~want one <object> per <keys> |
        [there] [must/should/may/can be] [only/exactly/just] one [row/record] (per | for each/every) <keys>
        (in/of/for) <object> | [there] [must/should/may/can be] [only/exactly/just] one <object> (per | for
        each/every) <keys> | ~keep one <object> (per | for each/every) <keys>
    KEEPONE = ~keep/retain [the] %which <object> (per | for each/every) <keys> | only the %which <object> (per | for
        each/every) <keys> ~keep/retain | ~keep only the %which <object> (per | for each/every) <keys>
    KEEP = %purely ~keep/retain the %which <object> | just/simply ~keep the %which [%rows | one/version] |
        ~keep/retain/prefer [the] %which [%rows | one/version]
    ONLYKEPT = [only/just] [the] %which [%rows | one/version | <object>] (must/shall/should/is/are/to/has/have [to]
        [be]) (kept/retained/preserved) | only/just [the] %which [%rows | one/version]
    DUPKEYS = (in case of | for | on) duplicate <keys> [values] (among/in/of/for/across/on) <object> | duplicates of
        <object> \\( [with] [the] [same] <keys> \\)
    KEPT = of [any/the] duplicates , the %which [%rows | one/version] ~win/survive/stay/prevail/keep/retain | [the]
        %which (occurrence | %rows | one/version) (being authoritative | is authoritative | takes precedence | being
        kept | being retained) | \\( ~keep : %which \\) | [only] [the] %which [%rows | one/version | <object>]
        ~keep/win/retain/survive/stay/prevail | [the] %which [%rows | one/version] wins/stays/survives
    WINS = \\( [~keep] [the] %which [%rows | one/version] [wins] \\) | (,/;/-/–/—/:) [the] %which
    KEEPONLY = ~keep only the %which [%rows | one/version]
    GONE = ~remove/drop/merge/eliminate/collapse/consolidate/combine
    HOLDON = hold/holds on to (whichever/what (was/is updated/changed/modified last | was [the] last updated | is
        [the] newest/latest) {keep=latest} | whichever (was/is created first | came first | is [the] oldest/earliest)
        {keep=first}) | ~keep/retain whichever (was/is updated/changed/modified last | is newest | is latest)
        {keep=latest} | ~keep/retain whichever (was created first | came first | is oldest | is earliest) {keep=first}
    FIRSTWINS = (where/when/if/whenever) there are [any] duplicates [,] [then] [the] %which [%rows | one]
        (wins/stays/survives | is kept | ~win)
    REDUCED = [%be] (reduced/collapsed/merged/boiled) [down] to the %which [%rows | one]
    SAMEKEY = <object> (with | having | that share | that have | sharing) [the/an/a] (same/identical) <keys>
    READ TWO|SHARES|SHOULD HOLDON
    READ IDENTIFIES FIRSTWINS
    READ UNIQUE|MADE BY FIRSTWINS
    READ SAMEKEY REDUCED
    READ SHARE [KEEP] [KEPT] [WINS]
    READ SHOULD KEEP|KEPT|KEEPONLY|OLDERGOES|ONLYKEPT
    READ DUPBE THEIR|BY [KEEP] [KEPT] [WINS]
    READ ATMOST|KEYUSE|KEYIS [KEEP] [KEPT] [WINS]
    READ FORDUP BY KEEP|KEPT|KEEPONLY|OLDERGOES|ONLYKEPT
    READ KEEPFOR
    READ JUSTKEEP
    READ AMONG KEEP|KEPT|KEEPONLY|ONLYKEPT|KEEPOBJ [RESTGOES]
    READ DUPWHEN|ASONE|ONEPERSON|KEYTO|MAYNOT|WANTONE [KEEP] [KEPT] [WINS]
    READ SHARES|APPEARS KEEP|KEPT|KEEPONLY|ONLYKEPT|KEEPOBJ [RESTGOES]
    READ TWO KEEP|KEEPONLY RESTGOES
    READ DETECT IDBY GONE [KEEP] [KEPT] [WINS]
    READ DETECTION|RID|UNIQUEBY BY [KEEP] [KEPT] [WINS]
    READ DEDUP OBJ BY WITHKEPT
    READ SAMEQ KEEPOBJ
    READ MADE BY [KEEP] [KEPT] [WINS]
    READ WHEREBY [KEEP] [KEPT] [WINS]
    READ TWO OLDERGOES|ONLYKEPT
    READ DUPKEYS KEEP|KEPT|WINS
    READ NONE|ONE|ONEOF|SAME|DUPIF|TREAT|IDENTIFIES|MERGE [KEEP] [KEPT] [WINS]
    READ KEEPONE
    READ LISTED [KEEP] [KEPT] [WINS]
    READ TWO KEEP|KEPT|KEEPONLY
    READ NONE|DUP|UNIQUE|REMOVE BY [KEEP] [KEPT] [WINS]
    READ DETECT BY [KEEP] [KEPT] [WINS] [GONE]
    READ DEDUP OBJ BY [KEEP] [KEPT] [WINS]
    READ MATCH OBJ BY KEEP|KEPT
    FOLLOWING dedupe READ OBJ BY [KEEP] [KEPT] [WINS]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("dedupe",),
    examples=(
        "Deduplicates Contacts by External ID, keeping the latest",
        "Treats Accounts with the same Account Number as one",
        "De-duplicate Contacts on Email and keep the first record",
    ),
    near_misses=(
        "Does not merge duplicate Contacts by Email",
        "Contacts with the same Email are not duplicates",
        "Deduplicates Contacts",
        "Never deduplicates Contacts by External ID",
        "Deduplicates Contacts by External ID or Email",
        "Deduplicates Contacts by Shoe Size",
        "Deduplicates Contacts by External ID, keeping the best",
    ),
)
