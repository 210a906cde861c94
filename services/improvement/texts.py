"""What improvement's own refusals say to a person."""

from __future__ import annotations

from services.runtime.texts import Texts

TEXTS: Texts = {
    "PROOF_MISSING": {
        "en": "A problem closes on proof: verify an action as improved first.",
        "zh": "问题须凭证据关闭：请先验证某项措施已见改善。",
    },
    "NOT_ENOUGH_DATA": {
        "en": "There are not enough windows to judge by; ask again later.",
        "zh": "可供判断的窗口不足，请稍后再试。",
    },
    "NOT_YET_REACHED": {
        "en": "The problems are not that far yet; ask again shortly.",
        "zh": "问题尚未更新到该位置，请稍后再试。",
    },
}
