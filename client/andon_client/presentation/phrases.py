"""The wording of problems, actions and verifications, of table headings and errors, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from andon.common.v1.text_pb2 import Text

from andon_client.presentation.formats import language_of, short

_PHRASES: Mapping[str, tuple[str, str]] = {
    "found_on": (
        "{process}/{system}, {indicator}, {stretch} ({zone})",
        "{process}/{system}，{indicator}，{stretch}（{zone}）",
    ),
    "times_in": ("times in {zones}", "时间以 {zones} 计"),
    "titled": ("{title} ({note})", "{title}（{note}）"),
    "severity": ("severity {severity:.1f} sigma", "严重度 {severity:.1f} 西格玛"),
    "reason": ("reason: {reason}", "说明：{reason}"),
    "merged": ("merged into {name}", "已并入 {name}"),
    "signals": ("signals: {count}", "信号：{count} 个"),
    "signal": (
        "{window}  {series}  {rule}: {value} against {centre}",
        "{window}  {series}  {rule}：{value}，中心线 {centre}",
    ),
    "symptom": ("{signal} (symptom)", "{signal}（症状）"),
    "more": ("... {count} more", "……另有 {count} 个"),
    "link": ("signal {name}: {series} in {window} = {value}", "信号 {name}：{series}，{window}，{value}"),
    "cases": ("{count:,} cases", "{count:,} 个案例"),
    "causes": ("causes, most likely first", "原因（最可能者在前）"),
    "confirmed": ("confirmed", "已确认"),
    "parent": ("parent cause {cause}", "上级原因 {cause}"),
    "evidence": ("evidence: {evidence}", "依据：{evidence}"),
    "action": ("action {name}: {title}, {state}", "措施 {name}：{title}，{state}"),
    "overdue": ("overdue", "已逾期"),
    "terms": ("{kind}, {owner}, due {due}", "{kind}，{owner}，期限 {due}"),
    "removes": ("removes {cause}", "针对 {cause}"),
    "goal": ("goal: {series} by {effect:+g}", "目标：{series} 变化 {effect:+g}"),
    "test": (
        "test: confidence {confidence:.4g} per bound, at least {least} windows after it, horizon {planned} windows",
        "检验：单侧置信水平 {confidence:.4g}，措施后至少 {least} 个窗口，计划 {planned} 个以内",
    ),
    "before": ("baseline: {before}", "基线：{before}"),
    "nothing_before": ("baseline: none, no window precedes the action", "基线：无，措施之前没有窗口"),
    "spread": (
        "common-cause variation: estimated from the windows until {end}; plan fixed at {fixed}",
        "普通原因变异：由 {end} 之前的窗口估计；计划于 {fixed} 固定",
    ),
    "check": ("{name}: {mark}, {meaning}", "{name}：{mark}，{meaning}"),
    "passed": ("passed", "通过"),
    "failed": ("check", "注意"),
    "transition": ("{name}: {before} -> {after}", "{name}：{before} → {after}"),
    "no_transition": ("{name}: {after}", "{name}：{after}"),
    "would_transition": (
        "{name}: {before} -> {after} (dry run, nothing was stored)",
        "{name}：{before} → {after}（试运行，未保存）",
    ),
    "would_no_transition": (
        "{name}: valid, remains {after} (dry run, nothing was stored)",
        "{name}：有效，状态仍为 {after}（试运行，未保存）",
    ),
    "next": ("next:", "下一步："),
    "look_again": (
        "current state and next steps: andon problem show {name}",
        "查看当前状态及下一步：andon problem show {name}",
    ),
    "interval": (
        "effect {effect:+.4g}, interval {lower:+.4g} to {upper:+.4g}, p = {p:.2g} (valid at every look)",
        "效果 {effect:+.4g}，区间 {lower:+.4g} 至 {upper:+.4g}，p = {p:.2g}（任意时刻有效）",
    ),
    "side_before": ("baseline: {mean} over {count} windows, {stretch}", "基线：{mean}，{count} 个窗口，{stretch}"),
    "side_after": ("after: {mean} over {count} windows, {stretch}", "之后：{mean}，{count} 个窗口，{stretch}"),
    "missing": (
        "needed: about {count} more {windows}; at the current effect the verdict will be: {verdict}",
        "尚需：约 {count} {windows}；若效果保持不变，届时结论为：{verdict}",
    ),
    "missing_more": (
        "needed: more than the {count} {windows} left of the horizon of {planned}, at the current effect",
        "尚需：若效果保持不变，所需多于计划 {planned} {windows}中剩余的 {count} 个",
    ),
    "missing_late": (
        "needed: the horizon of {planned} {windows} passed without a verdict; the interval hardly narrows further",
        "尚需：计划的 {planned} {windows}已过而未能定论；此后区间几乎不再收窄",
    ),
    "value": ("value", "数值"),
    "compared_before": ("baseline", "基线"),
    "compared_after": ("after the action", "措施之后"),
    "mean_before": ("baseline mean", "基线均值"),
    "mean_after": ("mean after the action", "措施后均值"),
    "window": ("window", "个窗口"),
    "windows": ("windows", "个窗口"),
    "hour": ("hour", "个小时"),
    "hours": ("hours", "个小时"),
    "day": ("day", "天"),
    "days": ("days", "天"),
    "week": ("week", "周"),
    "weeks": ("weeks", "周"),
    "month": ("month", "个月"),
    "months": ("months", "个月"),
    "acknowledge": ("acknowledge the problem", "受理该问题"),
    "confirm_cause": ("confirm the most likely cause", "确认最可能的原因"),
    "add_cause": ("add a cause that the data do not show", "添加数据中看不到的原因"),
    "plan": ("plan an action and its goal", "计划措施及其目标"),
    "start": ("start the action; this fixes its verification plan", "开始执行，并固定其验证计划"),
    "complete": ("mark the action as implemented", "标记措施已落实"),
    "verify": ("verify the effect; may be repeated daily", "验证效果，可每日重复"),
    "cancel": ("cancel the action", "取消该措施"),
    "close": ("close the problem: an action is verified", "关闭：已有措施通过验证"),
    "no": ("no", "否"),
    "sources": ("sources", "数据源"),
    "templates": ("shipped mappings", "内置映射"),
    "nothing_to_change": (
        "say what to change: --mapping, --kind or --title",
        "请指明要更改的内容：--mapping、--kind 或 --title",
    ),
    "records_written": (
        "[bold]{received:,}[/] records = [green]{accepted:,}[/] accepted + {duplicate:,} duplicate"
        " + [red]{quarantined:,}[/] quarantined + {omitted:,} omitted; {events:,} events accepted",
        "[bold]{received:,}[/] 条记录 = 接受 [green]{accepted:,}[/] + 重复 {duplicate:,}"
        " + 隔离 [red]{quarantined:,}[/] + 略去 {omitted:,}；接受 {events:,} 个事件",
    ),
    "record_refused": ("record {number:,}: {text}", "第 {number:,} 条记录：{text}"),
    "record_becomes": (
        "record {number:,}: {outcome}, events: {count}",
        "第 {number:,} 条记录：{outcome}，事件 {count} 个",
    ),
    "outcome_accepted": ("would be accepted", "将被接受"),
    "outcome_quarantined": ("would be quarantined", "将被隔离"),
    "outcome_omitted": ("omitted: the mapping makes no event of it", "略去：映射未产生事件"),
    "none": ("{title}: none", "{title}：无"),
    "cases_of": ("{count:,} of {whole:,}", "{count:,}（共 {whole:,}）"),
    "range": ("{low} to {high}", "{low} 至 {high}"),
    "yes": ("yes", "是"),
    "provisional": ("provisional", "暂定"),
    "worse": ("worse", "变差"),
    "better": ("better", "变好"),
    "active": ("active", "有效"),
    "retracted": ("retracted: {reason}", "已撤回：{reason}"),
    "scores": ("Scores", "评分"),
    "signals_title": ("Signals, newest first", "信号（最新在前）"),
    "problems": ("Problems, most severe first", "问题（最严重在前）"),
    "quarantine": ("Refused events (times in UTC)", "被拒事件（时间以 UTC 计）"),
    "quarantine_counts": ("Refused events by reason (times in UTC)", "按原因统计的被拒事件（时间以 UTC 计）"),
    "column_quarantine_id": ("quarantine id", "隔离编号"),
    "column_refused": ("refused", "拒收时间"),
    "column_source": ("source", "来源"),
    "column_refusal": ("reason", "原因"),
    "column_received": ("received", "收到次数"),
    "column_event": ("event", "事件内容"),
    "column_entries": ("entries", "条目数"),
    "column_oldest": ("oldest", "最早"),
    "quarantine_entry": ("{name}: {state}, received {count} times", "{name}：{state}，收到 {count} 次"),
    "quarantine_refused": (
        "refused {time} UTC: {field}, {reason}; expires {expires} UTC",
        "{time} UTC 被拒：{field}，{reason}；{expires} UTC 到期",
    ),
    "quarantine_sent": ("as sent: {event}", "原始内容：{event}"),
    "quarantine_now": ("as corrected: {event}", "更正后：{event}"),
    "quarantine_decision": ("{state} by {actor}, {time} UTC: {reason}", "{time} UTC，{actor}：{state}，理由：{reason}"),
    "quarantine_preview": (
        "{selected_count} selected, {tried_count} tried, {changed_count} changed by the rules; a replay would accept "
        "{accepted_count}, find {duplicate_count} duplicates and refuse {rejected_count}",
        "选中 {selected_count} 条，试算 {tried_count} 条，规则改变 {changed_count} 条；重放将接收 {accepted_count} 条、"
        "重复 {duplicate_count} 条、拒绝 {rejected_count} 条",
    ),
    "quarantine_page": ("page {page}", "第 {page} 页"),
    "quarantine_corrected": ("{count} events corrected", "已更正 {count} 条事件"),
    "quarantine_replayed": (
        "{accepted} accepted, {duplicate} duplicates, {rejected} refused again",
        "接收 {accepted} 条，重复 {duplicate} 条，再次被拒 {rejected} 条",
    ),
    "quarantine_would_replay": (
        "would be {accepted} accepted, {duplicate} duplicates, {rejected} refused again (dry run)",
        "将接收 {accepted} 条，重复 {duplicate} 条，再次被拒 {rejected} 条（试运行）",
    ),
    "quarantine_discarded": ("{count} events discarded", "已丢弃 {count} 条事件"),
    "quarantine_would_discard": ("{count} events would be discarded (dry run)", "将丢弃 {count} 条事件（试运行）"),
    "quarantine_select": (
        "select events: by their ids, by --source, --refusal, --field, --since or --until, or --everything",
        "请选择事件：给出编号，或用 --source、--refusal、--field、--since、--until，或 --everything",
    ),
    "quarantine_no_reason": (
        "{name} is no reason of a refusal; `andon quarantine list --counts` shows them",
        "{name} 不是拒收原因；见 `andon quarantine list --counts`",
    ),
    "rule_form": ("{text} is not of the form {form}", "{text} 的写法应为 {form}"),
    "rule_time": (
        "{text} is no time such as 2026-03-05T14:30:00+01:00",
        "{text} 不是时间，写法如 2026-03-05T14:30:00+01:00",
    ),
    "events": ("Events (times in UTC)", "事件（时间以 UTC 计）"),
    "systems": ("Indicator systems", "指标体系"),
    "findings": ("Findings", "检查结果"),
    "column_series": ("series", "序列"),
    "column_window": ("window", "窗口"),
    "column_value": ("value", "数值"),
    "column_cases": ("cases", "案例数"),
    "column_points": ("points", "得分"),
    "column_target": ("target", "目标"),
    "column_complete": ("complete", "完整"),
    "column_revision": ("revision", "修订"),
    "column_rule": ("rule", "规则"),
    "column_centre": ("centre", "中心线"),
    "column_limits": ("limits", "控制限"),
    "column_arl0": ("in-control ARL", "受控平均运行长度"),
    "column_delay": ("2 sigma after", "2σ 检出"),
    "column_direction": ("direction", "方向"),
    "column_state": ("state", "状态"),
    "column_problem": ("problem", "问题"),
    "column_process": ("process", "流程"),
    "column_title": ("title", "标题"),
    "column_severity": ("severity", "严重度"),
    "column_signals": ("signals", "信号数"),
    "column_cause": ("most likely cause", "最可能原因"),
    "column_since": ("since", "起始"),
    "column_time": ("time", "时间"),
    "column_case": ("case", "案例"),
    "column_activity": ("activity", "活动"),
    "column_resource": ("resource", "资源"),
    "column_id": ("id", "标识"),
    "column_attributes": ("attributes", "属性"),
    "column_name": ("name", "名称"),
    "column_kind": ("kind", "类型"),
    "column_mapped": ("mapping", "映射"),
    "column_horizon": ("deduplication horizon", "去重期限"),
    "column_earliest": ("earliest time", "最早时间"),
    "column_ahead": ("future tolerance", "允许超前"),
    "column_persons": ("pseudonymised", "假名化"),
    "column_last_time": ("last event came", "最近到达"),
    "column_due_time": ("silent if nothing by", "逾此即沉默"),
    "column_basis": ("rhythm", "节律"),
    "column_weekly_count": ("a week", "每周"),
    "column_silent": ("silent", "沉默"),
    "source_activity": ("activity of sources", "数据源活动"),
    "column_completeness": ("complete", "完整性"),
    "column_validity": ("valid", "有效性"),
    "column_uniqueness": ("unique", "唯一性"),
    "column_timeliness": ("timely", "及时性"),
    "column_consistency": ("consistent", "一致性"),
    "column_at_fault": ("fields at fault", "有问题的字段"),
    "data_quality": ("data quality", "数据质量"),
    "data_quality_of": ("data quality of {source}, share of events", "{source} 的数据质量（事件占比）"),
    "column_etag": ("etag", "版本标记"),
    "column_records": ("records", "记录"),
    "column_version": ("version", "版本"),
    "column_created": ("created", "创建时间"),
    "column_field": ("field", "字段"),
    "column_check": ("check", "检查项"),
    "column_message": ("message", "说明"),
    "column_indicator": ("indicator", "指标"),
    "column_phase": ("phase", "阶段"),
    "column_weight": ("weight", "权重"),
    "column_events_received": ("received", "接收"),
    "column_accepted": ("accepted", "接受"),
    "column_duplicate": ("duplicate", "重复"),
    "column_quarantined": ("quarantined", "隔离"),
    "column_next_step": ("next step", "下一步"),
    "scorecard_of": ("Scorecard, {window}", "记分卡，{window}"),
    "intake": ("Events received", "数据接收"),
    "error": ("error", "错误"),
    "error_reason": ("reason {reason}", "原因 {reason}"),
    "error_retry": ("retry in {seconds:g} s", "请在 {seconds:g} 秒后重试"),
    "unreachable": ("The suite is not reachable. {start}", "无法连接到服务。{start}"),
    "start_suite": (
        "Start one with `make run` or `python -m services`, or set ANDON_HOME to the folder of another.",
        "请用 `make run` 或 `python -m services` 启动，或通过 ANDON_HOME 指定其他目录。",
    ),
    "no_connection": (
        "No suite found: {path} does not exist. {start}",
        "未找到服务：{path} 不存在。{start}",
    ),
    "bad_connection": ("{path} is not a connection file: {error}", "{path} 不是连接文件：{error}"),
    "lacking_connection": ("{path} is not a connection file: {key} is missing", "{path} 不是连接文件：缺少 {key}"),
    "unknown_service": (
        "The connection has no target for {service}; it has {targets}",
        "连接中没有 {service} 的地址；现有：{targets}",
    ),
    "connection_lost": (
        "{code}: connection lost; watching resumes as soon as the service is reachable",
        "{code}：连接中断；服务恢复后将继续监视",
    ),
    "wrote": ("wrote {path}", "已写入 {path}"),
    "no_points": ("no complete window with enough data yet", "尚无数据充足的完整窗口"),
    "no_limits": ("no limits: {why}", "暂无控制限：{why}"),
    "no_limits_yet": ("phase I is not complete yet", "基线期尚未完成"),
    "centre_is_bound": (
        "Phase I was perfect: the centre {centre} is a 95 % bound, not an estimate.",
        "基线期无一例外：中心线 {centre} 为 95% 置信界，并非估计值。",
    ),
    "limits_capped": (
        "The limits are capped: the requested ARL asks for wider ones, but the autocorrelation may be a season.",
        "控制限已封顶：按要求的平均运行长度应更宽，但自相关可能只是季节性。",
    ),
    "chart_blind": (
        "This chart cannot detect a shift of {shift} sigma within {windows} windows (probability {chance} %).",
        "此图无法在 {windows} 个窗口内检出 {shift} 倍标准差的偏移（概率 {chance}%）。",
    ),
    "baseline_figures": (
        "{chart} chart, rules {rules}; phase I: {count} windows from {start}, centre {centre}, sigma {sigma};"
        " in-control ARL {arl0} windows, a shift of 2 sigma is found after {delay}; {signals} signals",
        "{chart} 控制图，规则 {rules}；基线期：自 {start} 起 {count} 个窗口，中心线 {centre}，标准差 {sigma}；"
        "受控平均运行长度 {arl0} 个窗口，2 倍标准差的偏移经 {delay} 个窗口检出；{signals} 个信号",
    ),
    "share": ("share", "占比"),
    "chart_signal": ("signal", "信号"),
    "chart_lower": ("lower limit", "下控制限"),
    "chart_centre": ("centre line", "中心线"),
    "chart_upper": ("upper limit", "上控制限"),
    "status_ingest": ("{count} events{latest}", "{count} 条事件{latest}"),
    "status_latest": (", latest {time}", "，最新 {time}"),
    "status_cleaned": ("{count} events cleaned: {values}", "清洗 {count} 条事件：{values}"),
    "status_quarantine": (
        "from quarantine {replayed} replayed, {discarded} discarded, {expired} expired",
        "隔离区：重放 {replayed}，丢弃 {discarded}，到期 {expired}",
    ),
    "status_source": (
        "{source}: {received} received = {accepted} accepted + {duplicate} duplicate + {quarantined} quarantined",
        "{source}：接收 {received} = 接受 {accepted} + 重复 {duplicate} + 隔离 {quarantined}",
    ),
    "status_scoring": (
        "{scores} scores, {signals} active signals; {progress}",
        "{scores} 个评分，{signals} 个有效信号；{progress}",
    ),
    "status_dropped": ("{system} has a slice less since {time}: {reason}", "{system} 自 {time} 起少一个切片：{reason}"),
    "status_stopped": ("{system} is not scored since {time}: {reason}", "{system} 自 {time} 起未评分：{reason}"),
    "status_no_signals": (
        "no signals are processed since {time}: {reason}",
        "自 {time} 起未处理信号：{reason}",
    ),
    "status_behind": ("{behind} of {count} partitions behind", "{count} 个分区中有 {behind} 个落后"),
    "status_current": ("up to date", "已是最新"),
    "status_improvement": ("{open} open problems of {total}", "{total} 个问题中 {open} 个未关闭"),
    "applied": ("{name} version {version} is {state}", "{name} 版本 {version}：{state}"),
    "score_of": (
        "{series} in {window} ({zone}): {value} (revision {revision})",
        "{series}，{window}（{zone}）：{value}（修订 {revision}）",
    ),
    "amount_adds": ("{name}: {amount}, adds {contribution}", "{name}：{amount}，贡献 {contribution}"),
    "amount_only": ("{name}: {amount}", "{name}：{amount}"),
    "member_adds": (
        "{name}: {amount} x {share:.4g}, adds {contribution}",
        "{name}：{amount} × {share:.4g}，贡献 {contribution}",
    ),
    "member_missing": (
        "{name}: between {low} and {high} x {share:.4g}, too little data",
        "{name}：{low} 至 {high} × {share:.4g}，数据不足",
    ),
    "cases_shown": ("{cases} cases", "{cases} 个案例"),
    "watched_score": (
        "{window} ({zone})  {series}  {value}  n = {cases}  revision {revision}",
        "{window}（{zone}）  {series}  {value}  n = {cases}  修订 {revision}",
    ),
    "members": ("{count} members", "{count} 个下级"),
    "more_add": ("... {count:,} more, which add {contribution}", "……其余 {count:,} 个，贡献 {contribution}"),
    "unknown_zone": (
        "{name} is no time zone; write one such as Europe/Berlin, Asia/Shanghai or UTC",
        "{name} 不是有效时区；请写 Europe/Berlin、Asia/Shanghai 或 UTC 之类",
    ),
    "export_format_unknown": (
        "the name of the file does not say its format: write --format, or a name that ends in one of {known}",
        "文件名未说明格式：请用 --format 指定，或使用以 {known} 结尾的文件名",
    ),
    "export_exists": ("{file} exists; write --force to replace it", "{file} 已存在；如要替换请用 --force"),
    "export_not_packed": (
        "{format} is not compressed as a whole; take .gz off the name",
        "{format} 不作整体压缩；请去掉文件名中的 .gz",
    ),
    "exported": (
        "{file}: {events:,} events of {cases:,} cases, from {first} to {last} ({zone}){corrections}",
        "{file}：{cases:,} 个案例的 {events:,} 个事件，{first} 至 {last}（{zone}）{corrections}",
    ),
    "export_corrected": ("; corrections are applied", "；已应用更正"),
    "export_history": (
        "; corrected events and their corrections are included",
        "；含被更正的事件及其更正",
    ),
    "export_mixed": (
        "values of {names} have several types: where a column has one type they are texts",
        "{names} 的值有多种类型：在只容一种类型的列中写为文本",
    ),
    "unknown_window": (
        "{name} is not one of hour, day, week, month, all",
        "{name} 不是 hour、day、week、month、all 之一",
    ),
    "bad_time": (
        "{text} is not a time such as 2026-10-25, 2026-10-25T14:30 or 2026-10-25T14:30+01:00",
        "{text} 不是时间，时间的写法如 2026-10-25、2026-10-25T14:30 或 2026-10-25T14:30+01:00",
    ),
    "time_twice": (
        "{text} comes twice in {zone}, where clocks go back over it: write {first} or {second}",
        "{text} 在 {zone} 出现两次（时钟回拨）：请写 {first} 或 {second}",
    ),
    "time_skipped": (
        "{text} does not exist in {zone}, where clocks go forward over it: write {first} or {second}",
        "{text} 在 {zone} 不存在（时钟拨快）：请写 {first} 或 {second}",
    ),
    "bad_slice": ("{text} is not of the form team=B", "{text} 不符合 team=B 的形式"),
    "dismiss": ("dismiss as a false alarm, with a reason", "作为误报驳回，须说明理由"),
    "misfit_field": ("{place}: there is no such field; fields are {known}", "{place}：没有此字段；字段有 {known}"),
    "misfit_field_close": (
        "{place}: there is no such field (do you mean {close}?); fields are {known}",
        "{place}：没有此字段（是否指 {close}？）；字段有 {known}",
    ),
    "misfit_choice": ("{place}: {found} is none of {known}", "{place}：{found} 不在 {known} 之中"),
    "misfit_choice_close": (
        "{place}: {found} is none of {known} (do you mean {close}?)",
        "{place}：{found} 不在 {known} 之中（是否指 {close}？）",
    ),
    "misfit_fields": (
        "{place}: fields are expected, not {found}; they are {known}",
        "{place}：应为字段，而不是 {found}；字段有 {known}",
    ),
    "misfit_both": ("{place}: {both} exclude each other; remove one", "{place}：{both} 不能同时使用；请删除其一"),
    "misfit_pairs": ("{place}: pairs are expected, not {found}", "{place}：应为键值对，而不是 {found}"),
    "misfit_list": (
        "{place}: a list is expected, such as [{found}], not {found}",
        "{place}：应为列表，例如 [{found}]，而不是 {found}",
    ),
    "misfit_text": (
        '{place}: a text is expected, not {found}; write it as "{found}"',
        "{place}：应为文本，而不是 {found}；请写作 “{found}”",
    ),
    "misfit_flag": ("{place}: true or false is expected, not {found}", "{place}：应为 true 或 false，而不是 {found}"),
    "misfit_whole": ("{place}: a whole number is expected, not {found}", "{place}：应为整数，而不是 {found}"),
    "misfit_length": (
        "{place}: {found} is no length; write one such as 90min, 12h, 14d or 6w",
        "{place}：{found} 不是有效时长；请写 90min、12h、14d 或 6w 之类",
    ),
    "misfit_time": (
        "{place}: {found} is no time; write one such as 2026-05-04 or 2026-05-04T09:00:00+02:00",
        "{place}：{found} 不是有效时间；请写 2026-05-04 或 2026-05-04T09:00:00+08:00 之类",
    ),
    "misfit_large": ("{place}: {found} is too large", "{place}：{found} 过大"),
    "misfit_other": ("{place}: this does not fit: {found}", "{place}：此处不符合要求：{found}"),
    "misfit_number": ("{place}: a number is expected, not {found}", "{place}：应为数，而不是 {found}"),
}

# By the names of the contract's enums; English is the name itself.
_CHINESE_NAMES: Mapping[str, str] = {
    "QUARANTINE_STATE_PENDING": "待处理",
    "QUARANTINE_STATE_CORRECTED": "已更正",
    "QUARANTINE_STATE_REPLAYED": "已重放",
    "QUARANTINE_STATE_DISCARDED": "已丢弃",
    "REPLAY_OUTCOME_ACCEPTED": "将接收",
    "REPLAY_OUTCOME_DUPLICATE": "重复",
    "REPLAY_OUTCOME_REJECTED": "仍被拒",
    "REPLAY_OUTCOME_CHANGED_MEANWHILE": "期间已变化",
    "PROBLEM_STATE_OPEN": "待处理",
    "PROBLEM_STATE_ACKNOWLEDGED": "已受理",
    "PROBLEM_STATE_ANALYSED": "已分析",
    "PROBLEM_STATE_ACTING": "措施中",
    "PROBLEM_STATE_VERIFYING": "待验证",
    "PROBLEM_STATE_CLOSED": "已关闭",
    "PROBLEM_STATE_DISMISSED": "已驳回",
    "PROBLEM_STATE_WITHDRAWN": "已撤回",
    "ACTION_STATE_PLANNED": "已计划",
    "ACTION_STATE_STARTED": "已开始",
    "ACTION_STATE_DONE": "已完成",
    "ACTION_STATE_VERIFIED": "已验证",
    "ACTION_STATE_FAILED": "未见效",
    "ACTION_STATE_CANCELLED": "已取消",
    "ACTION_KIND_CORRECTIVE": "纠正措施",
    "ACTION_KIND_PREVENTIVE": "预防措施",
    "CAUSE_CLASS_PEOPLE": "人员",
    "CAUSE_CLASS_PROCESS": "流程",
    "CAUSE_CLASS_RESOURCES": "资源",
    "CAUSE_CLASS_EXTERNAL": "外部",
    "PHASE_BEFORE": "服务前",
    "PHASE_DURING": "服务中",
    "PHASE_AFTER": "服务后",
    "SCORE_STATE_MET": "达标",
    "SCORE_STATE_MISSED": "未达标",
    "SCORE_STATE_NOT_ENOUGH_DATA": "数据不足",
    "SCORE_STATE_NO_TARGET": "无目标",
    "SEVERITY_ERROR": "错误",
    "SEVERITY_WARNING": "警告",
    "STATE_DRAFT": "草稿",
    "STATE_ACTIVE": "启用",
    "STATE_RETIRED": "停用",
    "SOURCE_KIND_EVENT_LOG": "服务记录",
    "SOURCE_KIND_OBSERVATION": "现场观察",
    "SOURCE_KIND_SURVEY": "问卷",
    "SOURCE_KIND_KPI_FEED": "指标数据",
    "SOURCE_KIND_SENSOR": "传感器",
    "SOURCE_KIND_BENCHMARK": "标杆",
    "SOURCE_KIND_THIRD_PARTY": "第三方数据",
    "SOURCE_KIND_CLAUSE": "政策或法规条款",
    "SOURCE_KIND_FEEDBACK": "反馈文本",
    "VERDICT_IMPROVED": "已改善",
    "VERDICT_NO_CHANGE": "无实质变化",
    "VERDICT_WORSE": "变差",
    "VERDICT_UNDECIDED": "尚无定论",
}


def say(phrase: str, locale: str, **places: object) -> str:
    english, chinese = _PHRASES[phrase]
    return (chinese if language_of(locale) == "zh" else english).format(**places)


def text_in(locale: str, words: str) -> Text:
    """A text that a person enters, in the language that they enter it in."""
    return Text(zh=words) if language_of(locale) == "zh" else Text(en=words)


def named(enum: Any, value: int, locale: str) -> str:
    """PROBLEM_STATE_OPEN -> open, or its Chinese name."""
    chinese = _CHINESE_NAMES.get(enum.Name(value)) if language_of(locale) == "zh" else None
    return chinese or short(enum, value)


class LocalisedError(Exception):
    """An error that a person is shown: a phrase and what fills its places."""

    def __init__(self, phrase: str, **places: object) -> None:
        self.phrase, self.places = phrase, places
        super().__init__(self.text("en"))

    def text(self, locale: str) -> str:
        return say(self.phrase, locale, **self.places)
