"""What loading says of its progress and its end, in English and Chinese; what it says of a file is `andon_records`'."""

from __future__ import annotations

from collections.abc import Mapping

from andon_records.messages import PHRASES as RECORD_PHRASES
from andon_records.messages import Message


def message(key: str, **places: object) -> Message:
    return Message(key, places, PHRASES)


PHRASES: Mapping[str, tuple[str, str]] = {
    **RECORD_PHRASES,
    "plain": ("{text}", "{text}"),
    "rows_safe_before": (
        "{rows:,} rows were durable from a broken load before",
        "先前中断的装载已保存 {rows:,} 条记录",
    ),
    "balance": (
        "[bold]{received:,}[/] received = [green]{accepted:,}[/] accepted + {duplicate:,} duplicate"
        " + [red]{quarantined:,}[/] quarantined{unreadable}{omitted}{events}",
        "接收 [bold]{received:,}[/] = 接受 [green]{accepted:,}[/] + 重复 {duplicate:,}"
        " + 隔离 [red]{quarantined:,}[/]{unreadable}{omitted}{events}",
    ),
    "balance_unreadable": (" + [red]{count:,}[/] unreadable", " + 无法读取 [red]{count:,}[/]"),
    "balance_omitted": (" + {count:,} omitted", " + 略去 {count:,}"),
    "balance_events": (" (events of {rows:,} rows)", "（事件数，来自 {rows:,} 条记录）"),
    "reason": ("  {count:,} x {reason}", "  {count:,} 次 {reason}"),
    "refused_row": ("    {refusal}", "    {refusal}"),
    "refused_cell": ("row {row:,}{column}: {field}{message}", "第 {row:,} 条记录{column}：{field}{message}"),
    "of_column": (', column "{column}"', "，列“{column}”"),
    "refused_value": ('"{value}" is refused: {message}{hint}', "“{value}”被拒绝：{message}{hint}"),
    "hint_in_future": (
        "; where that is meant, set future_tolerance of the source",
        "；若确为所需，请设置数据源的 future_tolerance",
    ),
    "hint_too_early": (
        "; where that is meant, set time_earliest of the source",
        "；若确为所需，请设置数据源的 time_earliest",
    ),
    "refused_more": ("    ... and {count:,} more rows", "    ……另有 {count:,} 条记录"),
    "stopped": (
        "every row of the first {rows:,} was refused, and nothing else was sent; {first}",
        "前 {rows:,} 条记录全部被拒，其余未发送；{first}",
    ),
    "interrupted_early": (
        "interrupted while {file} was checked: nothing was sent, and {safe:,} rows are safe from before. Run the same"
        " command again to go on after row {safe:,}; no row counts twice.",
        "检查 {file} 时中断：未发送任何数据，此前已保存 {safe:,} 条。"
        "再次运行同一命令即从第 {safe:,} 条之后继续，不会重复计入。",
    ),
    "interrupted": (
        "interrupted: at least {safe:,} of {rows:,} rows are safe. Run the same command again to go on after row"
        " {safe:,}; no row counts twice.",
        "已中断：{rows:,} 条记录中至少 {safe:,} 条已保存。再次运行同一命令即从第 {safe:,} 条之后继续，不会重复计入。",
    ),
    "broken_off": (
        "at least {safe:,} of {rows:,} rows are safe. Run the same command again to go on after row {safe:,}; no row"
        " counts twice.",
        "{rows:,} 条记录中至少 {safe:,} 条已保存。再次运行同一命令即从第 {safe:,} 条之后继续，不会重复计入。",
    ),
    "run_interrupted": (
        "interrupted: at least {safe:,} of {rows:,} rows are safe. Run the same command again to complete them; no row"
        " counts twice.",
        "已中断：{rows:,} 条记录中至少 {safe:,} 条已保存。再次运行同一命令即可补全，不会重复计入。",
    ),
    "run_interrupted_early": (
        "interrupted: there is no report yet. Run the same command again; no row counts twice.",
        "已中断：尚无报告。再次运行同一命令即可，不会重复计入。",
    ),
    "nothing_accepted": ("none of the {rows:,} rows was accepted; {first}", "{rows:,} 条记录无一被接受；{first}"),
    "all_omitted": (
        "none of the {rows:,} rows is an event: omit_rows leaves out each of them",
        "{rows:,} 条记录均非事件：omit_rows 将其全部略去",
    ),
    "some_refused": (
        "{refused:,} refused, of {rows:,} rows; {first}",
        "{rows:,} 条记录中有 {refused:,} 条被拒绝；{first}",
    ),
    "rows_moved": (
        "    the id holds the number of the row, and rows have moved since the file was loaded: the {accepted:,}"
        " accepted may be events that are known under other ids. Load the changed file into a source of its own, with"
        " an id that counts the rows of a case and not of the file, such as {{case}}/{{ordinal}}.",
        "    id 含行号，而文件装载后行已移动：所接受的 {accepted:,} 条可能是以其他 id 已知的事件。"
        "请将改动后的文件装载到独立的数据源，并让 id 只数案例之内的行，例如 {{case}}/{{ordinal}}。",
    ),
    "no_example_fits": (
        "no example mapping fits the columns of {file}: `andon source propose {file} > my.mapping.yaml` guesses one;"
        " check it, and name it by MAPPING= and an indicator system for it by SYSTEM=",
        "没有与 {file} 的列相符的示例映射：可用 `andon source propose {file} > my.mapping.yaml` 推测一份，核对后"
        "用 MAPPING= 指定，并用 SYSTEM= 指定其指标体系",
    ),
    "connection_lost": ("connection lost ({code}); trying again", "连接中断（{code}），正在重试"),
    "checking": ("checking {file}", "正在检查 {file}"),
    "validated": (
        "{rows:,} rows can become {events:,} events{omitted}; nothing was sent",
        "{rows:,} 条记录可成为 {events:,} 个事件{omitted}；未发送任何数据",
    ),
    "validated_omitted": (", and {count:,} are omitted", "，略去 {count:,} 条"),
    "validated_refused": (
        "rows that would be refused: {count:,}",
        "{count:,} 条记录将被拒绝",
    ),
    "id_conflict": (
        "this id is known with other content; to correct it, load a row with an id of its own and this id in the column"
        " that supersedes names (to take it back: retracts)",
        "此标识已有不同内容；如需更正，请装载一条标识不同、且在 supersedes 所指列中写明此标识的记录"
        "（如需撤回，用 retracts）",
    ),
    "ids_repeated": (
        '{count:,} events have an id that came before (row {row:,}: "{text}"); of one id only one event counts: add'
        " {{row}} or {{ordinal}} to id where they are events of their own",
        "{count:,} 个事件的 id 先前已出现（第 {row:,} 条记录：“{text}”）；同一 id 只计一个事件："
        "若各为独立事件，请在 id 中加入 {{row}} 或 {{ordinal}}",
    ),
    "first_rows": ("what the first rows become", "前几条记录将成为"),
}
