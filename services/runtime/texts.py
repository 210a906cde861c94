"""Error messages by reason, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Locale = Literal["en", "zh"]
Texts = Mapping[str, Mapping[Locale, str]]

LANGUAGE_TAGS: Mapping[Locale, str] = {"en": "en-US", "zh": "zh-CN"}

REASONS: Texts = {
    "TOKEN_MISSING": {"en": "Sign in first: the call carries no token.", "zh": "请先登录：此调用没有携带令牌。"},
    "TOKEN_INVALID": {"en": "Sign in again: this token is not valid.", "zh": "请重新登录：令牌无效。"},
    "ROLE_NOT_ALLOWED": {"en": "Your roles do not allow this.", "zh": "您的角色不允许此操作。"},
    "SIGNATURE_INVALID": {"en": "The signature of this webhook is not valid.", "zh": "该 Webhook 的签名无效。"},
    "FIELD_INVALID": {"en": "Some fields are not valid.", "zh": "部分字段无效。"},
    "FIELD_REQUIRED": {"en": "A required field is missing.", "zh": "缺少必填字段。"},
    "PAGE_TOKEN_INVALID": {"en": "This page token cannot be read.", "zh": "无法读取该分页标记。"},
    "REQUEST_ID_REUSED": {"en": "This request id was used for another request.", "zh": "该请求标识已用于其他请求。"},
    "CURSOR_INVALID": {"en": "This cursor cannot be read.", "zh": "无法读取该游标。"},
    "CURSOR_FOREIGN": {"en": "This cursor belongs to another deployment.", "zh": "该游标属于另一个部署。"},
    "CURSOR_EXPIRED": {
        "en": "This cursor has expired; continue from the oldest one.",
        "zh": "该游标早于保留范围，请从最早的游标继续。",
    },
    "ETAG_STALE": {"en": "The resource has changed; read it again.", "zh": "内容已被修改，请重新读取。"},
    "INVALID_TRANSITION": {
        "en": "This transition is not allowed in the current state.",
        "zh": "当前状态下无法执行此操作。",
    },
    "TOO_MANY_SYSTEMS": {
        "en": "This tenant has as many active indicator systems as it may have.",
        "zh": "该租户启用的指标体系已达上限。",
    },
    "MAPPING_MISSING": {
        "en": "This source has no mapping, so it takes no records.",
        "zh": "该数据源没有映射，无法接收原始记录。",
    },
    "ARCHIVE_MISSING": {"en": "The service has no archive.", "zh": "该服务未配置归档位置。"},
    "OVERLOADED": {"en": "The service is busy; try again shortly.", "zh": "服务繁忙，请稍后重试。"},
    "DRAINING": {"en": "This server is stopping; connect again.", "zh": "服务器正在停止，请重新连接。"},
    "DATABASE_UNAVAILABLE": {"en": "The database is unavailable; try again.", "zh": "暂时无法访问数据库，请重试。"},
    "READER_TOO_SLOW": {"en": "The stream was read too slowly; resume it.", "zh": "数据流长时间未读取，请恢复。"},
    "UPSTREAM_UNAVAILABLE": {
        "en": "An upstream service is unavailable; try again.",
        "zh": "依赖的服务暂时不可用，请重试。",
    },
    "INTERNAL": {"en": "Internal error of the service.", "zh": "服务内部出错。"},
}

CODES: Texts = {
    "INVALID_ARGUMENT": {"en": "The request is not valid.", "zh": "请求无效。"},
    "NOT_FOUND": {"en": "Not found.", "zh": "未找到所请求的内容。"},
    "ALREADY_EXISTS": {"en": "Already exists.", "zh": "内容已存在。"},
    "FAILED_PRECONDITION": {"en": "Not possible in the current state.", "zh": "当前状态下无法执行此操作。"},
    "OUT_OF_RANGE": {"en": "Outside of the retained range.", "zh": "超出可用范围。"},
    "ABORTED": {"en": "Another change came first; try again.", "zh": "操作因并发修改而中止，请重试。"},
    "PERMISSION_DENIED": {"en": "You do not have permission to do this.", "zh": "您没有执行此操作的权限。"},
    "UNAUTHENTICATED": {"en": "Sign in first.", "zh": "请先登录。"},
    "BODY_TOO_LARGE": {"en": "The request is too large.", "zh": "请求内容过大。"},
    "RESOURCE_EXHAUSTED": {"en": "Too many requests; try again shortly.", "zh": "请求过多，请稍后重试。"},
    "UNAVAILABLE": {"en": "The service is unavailable; try again.", "zh": "服务暂时不可用，请重试。"},
    "DEADLINE_EXCEEDED": {"en": "The deadline was exceeded.", "zh": "请求超时。"},
    "INTERNAL": {"en": "Internal error of the service.", "zh": "服务内部出错。"},
}


def sentence(reason: str, code: str, locale: Locale, own: Texts | None = None) -> str:
    """The text for a reason; a service's own texts come first, the code's text last."""
    for table, key in ((own or {}, reason), (REASONS, reason), (CODES, code)):
        if key in table:
            return table[key][locale]
    return CODES["INTERNAL"][locale]


def negotiate(accept_language: str | None) -> Locale:
    """The first language we speak in an Accept-Language header; English when there is none."""
    for part in (accept_language or "").lower().split(","):
        tag = part.split(";")[0].strip()
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "en"
