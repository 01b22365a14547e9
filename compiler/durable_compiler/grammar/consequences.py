"""Phrases for what happens to a record that breaks a rule, said behind the rule."""

from __future__ import annotations

PHRASES: dict[str, str] = {
    "offender": (
        "(it | they | them | [the/that/such/those/these/any/all] [offending/failing/violating]"
        " (record/records/row/rows/ones))"
    ),
    # After the rule and before the deed: what has to be the case for it.
    "unmet": (
        "(otherwise | or otherwise | or | or else | else | if not | failing that/which/this | in which case not"
        " | (when/if/where) (it/they/that/this) [is/are/do/does] not [the case | hold/met/so]"
        " | (when/if/where) (it/they/that/this) ~fail | (when/if) violated/broken | (when/if) [the] (rule/check) ~fail"
        " | (when/if/where) (it/one/they) %isabsent"
        " | (when/if/where) %absent | (when/if/where) it is %absent"
        " | (those/any/ones/records/rows/record/row) (that/which) (do/does/is/are/has/have) not"
        " | (if/when) (one/any) (do/does/has/have) not | (if/when) (one/any) (do/does) not [have [it/one]]"
        " | any/a %absent one/value | %rows without (it/one/them) | (those/any/ones) without (it/one/them)"
        " | any other value | anything else | violations [of this]"
        " | (those/any/ones/records/rows) (violating/breaking/failing) (this/it/that) [rule/check/condition]"
        " | (those/any/ones/records/rows)"
        " (lacking/missing) (it/one/this) | deviating/violating/offending/other (records/rows))"
    ),
    # The same behind the deed.
    "unmet_tail": (
        "(otherwise | if not | (when/if/where) (it/they/that/this) [is/are/do/does] not [the case | hold/met/so]"
        " | (when/if/where) (it/one/they) %isabsent | (when/if/where) %absent"
        " | (when/if/where) it is %absent | (when/if) violated/broken"
        " | (if/when) (one/any) (do/does) not [have [it/one]])"
    ),
    "later": "[we/it/you/they] [will]",
    "deed_warn": (
        "([only/just/merely] (~warn [us/me] [only/about it] | ~raise/log/give/issue/cause/trigger/produce/generate"
        " [only/just/merely] a warning | ~lead_to [only/just/merely] a warning | ~result_in [only] a warning)"
        " | [only/just/merely] a warning [only] [%be] [~raise/log/give/issue] | is/are [only/just/merely] a warning)"
    ),
    "deed_only_warn": (
        "(only/just/merely (~warn [us/me] | a warning | ~raise/log/give/issue a warning) | ~warn only | warning only"
        " | a warning is enough)"
    ),
    "deed_fail": "(%later %failrun | %later ~fail/stop whole/entire %run_noun | [whole/entire] %run_noun [%be]"
    " ~fail/stop/abort/halt | [whole/entire] %run_noun (has/have to) fail/stop/abort/halt | ~fail)",
    "deed_reject": "(%later ~reject [%offender | record/row/them/it] | %offender %be ~reject | record/row %be ~reject"
    " | %be ~reject)",
    "onfail": (
        "[./;/,/-/–/—/:] [and/but] %unmet [,] [then] (%deed_warn {on_failure=warn} | %deed_fail {on_failure=fail}"
        " | %deed_reject {on_failure=reject})"
        " | [./;/,/-/–/—/:] [and/but] (%deed_warn {on_failure=warn} | %deed_fail {on_failure=fail}"
        " | %deed_reject {on_failure=reject}) %unmet_tail"
        " | [./;/,/-/–/—/:] [and/but] [\\(] %deed_only_warn {on_failure=warn} [%unmet_tail] [\\)]"
    ),
}
