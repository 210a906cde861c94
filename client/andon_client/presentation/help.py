"""Help and usage errors of `andon` in Chinese, by their English text; English is written where the command is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from andon_client.presentation.formats import language_of

CHINESE: Mapping[str, str] = {
    # Commands
    "List open cases by the time left to their targets, overdue first.": "按距期限的剩余时间列出未结案例，逾期在前。",
    "Only cases with this value: DIMENSION=VALUE; may be repeated.": "仅具有此值的案例：维度=值；可重复。",
    "Only with at most so much time left: 2h, 1d; 0h: only late ones.": "仅剩余时间不多于此的：2h、1d；0h：仅逾期的。",
    "The moment that is spoken of: a time in the zone of the system, or now. Default: its latest events.": (
        "所指时刻：体系时区中的时间，或 now。默认：其最新事件。"
    ),
    "Then show every change, until Ctrl-C.": "随后显示每次变化，直至 Ctrl-C。",
    "Entities: what sources call by keys of their own, as one.": "实体：各数据源以各自的键所指的同一对象。",
    "Create an entity without keys.": "创建没有键的实体。",
    "List entities and how many keys each has.": "列出实体及其键数。",
    "Show an entity, its keys, and who linked each when.": "显示实体、其键，以及由谁在何时关联。",
    "Link keys of sources to an entity: from now on, and for the events before.": (
        "把数据源的键关联到实体：从现在起生效，也适用于之前的事件。"
    ),
    "Give all keys of an entity to another one of its kind.": "把一个实体的所有键并入同类的另一个实体。",
    "Give some keys of an entity to another one of its kind.": "把一个实体的部分键划给同类的另一个实体。",
    "List keys that events have and no entity, most frequent first.": "列出事件中有而尚无实体的键，最常见的在前。",
    "Id of the entity, for example north-branch.": "实体标识，例如 north-branch。",
    "Id of the entity; of a person or customer the server makes it.": "实体标识；人员或客户的标识由服务生成。",
    "The entity that the keys go to.": "接收键的实体。",
    "The entity that the keys go to; made where it does not exist.": "接收键的实体；不存在时创建。",
    "person, team, location, product or customer.": (
        "person（人员）、team（团队）、location（地点）、product（产品）或 customer（客户）。"
    ),
    "Only person, team, location, product or customer.": "仅 person、team、location、product 或 customer。",
    "SOURCE:FIELD=KEY, for example desk:attributes.branch=N1; may be repeated.": (
        "数据源:字段=键，例如 desk:attributes.branch=N1；可重复。"
    ),
    "Title in English.": "英文名称。",
    "Title in Chinese.": "中文名称。",
    "Only keys of this source.": "仅此数据源的键。",
    "Observation forms: what is graded, by whom, when, and how alike.": "观察表：评什么、谁评、何时评、评分是否一致。",
    "Create a form and the source that its observations are written to.": "创建观察表及写入其观察记录的数据源。",
    "Show a form, its items and what each grade means.": "显示观察表、其项目及各等级的含义。",
    "List all forms.": "列出所有观察表。",
    "List the shipped forms: hotel room, counter, phone call, clinic, in English and Chinese.": (
        "列出内置观察表：酒店客房、柜台、通话、诊所（中英文）。"
    ),
    "List what is planned to be observed, and what became of it. Default: the next 7 days.": (
        "列出计划观察的内容及其结果。默认：今后 7 天。"
    ),
    "Record one observation. Many at once: `andon source write`.": (
        "记录一次观察。批量写入请用 `andon source write`。"
    ),
    "Show what was observed: means, agreement of the raters, leniency, objects, coverage of the plan.": (
        "显示观察结果：均值、评分者一致性、宽严程度、观察对象、计划覆盖率。"
    ),
    "Id of the form, for example room-check; also that of its source.": (
        "观察表标识，例如 room-check；也是其数据源的标识。"
    ),
    "YAML: items with their grades, and the plan.": "YAML：项目及其等级，以及抽样计划。",
    "A shipped form instead of a file, see `andon form templates`.": (
        "用内置观察表代替文件，见 `andon form templates`。"
    ),
    "Only shifts that begin at or after this time.": "仅此时间及之后开始的班次。",
    "Only shifts that begin before this time.": "仅此时间之前开始的班次。",
    "Who observed; stored as a pseudonym.": "观察者；以假名存储。",
    "What was observed; of a person stored as a pseudonym.": "观察对象；若为人员则以假名存储。",
    "An item and its grade or words, for example bed=3; may be repeated.": ("项目及其等级或文字，例如 bed=3；可重复。"),
    "Where it was observed.": "观察地点。",
    "The thing that is observed: the same for all who observe it. Default: its own.": (
        "被观察的事项：所有观察它的人用同一个。默认：单独一个。"
    ),
    "When it was observed. Default: now.": "观察时间。默认：现在。",
    "Id of the observation: the same one again is a duplicate. Default: random.": (
        "观察标识：再次使用即为重复。默认：随机。"
    ),
    "Only observations at or after this time.": "仅此时间及之后的观察。",
    "Only observations before this time.": "仅此时间之前的观察。",
    "Also how often each grade was given.": "同时显示各等级的次数。",
    "Show where every indicator is: latest, previous, common cause or change, target in reach or not, its course.": (
        "显示各指标现状：最近值、上期值、随机或变化、目标能否达到、走势。"
    ),
    "Show how long a chart runs before it alarms: falsely, and after shifts. Reads no data.": (
        "显示控制图报警前的运行长度：误报时与偏移之后。不读取数据。"
    ),
    "shewhart, cusum, ewma, individuals-range, poisson-cusum, binomial-cusum, mewma, variance-cusum, variance-ewma,"
    " autocorrelated or shiryaev-roberts.": (
        "shewhart、cusum、ewma、individuals-range、poisson-cusum、binomial-cusum、mewma、variance-cusum、variance-ewma、"
        "autocorrelated 或 shiryaev-roberts。"
    ),
    "Points between false alarms that are wanted; finds the limit.": "希望的误报间隔（点数）；据此求限值。",
    "The limit, if it is known.": "已知的限值。",
    "WE1 to WE4, N1 to N8; may be repeated.": "WE1 到 WE4、N1 到 N8；可重复。",
    "Of a CUSUM: k.": "CUSUM 的参考值 k。",
    "Of a CUSUM, as a share of its limit.": "CUSUM 的起始值，占限值的份额。",
    "Of an EWMA. Default: 0.2.": "EWMA 的平滑系数。默认：0.2。",
    "Limits of an EWMA that widen from the start.": "EWMA 从起点逐渐放宽的限。",
    "Alarms on the upper side only, of a CUSUM or EWMA.": "CUSUM 或 EWMA 仅在上侧报警。",
    "Count per point in control, of a Poisson CUSUM.": "泊松 CUSUM 受控时每点的计数。",
    "Items per point, of a binomial CUSUM.": "二项 CUSUM 每点的件数。",
    "Share in control, of a binomial CUSUM.": "二项 CUSUM 受控时的比例。",
    "Measures at once, of an MEWMA.": "MEWMA 同时监控的度量数。",
    "Size of a subgroup less 1, of charts of variances.": "方差图的子组大小减 1。",
    "Of neighbours, where points depend.": "相邻点的相关系数（点不独立时）。",
    "Points that centre and sigma come from.": "估计中心与标准差的点数。",
    "In sigma; may be repeated. Default: 0.25 to 4, as a curve.": "以标准差计；可重复。默认：0.25 到 4 的曲线。",
    "Weights of indicators: proposed, changed within a cap, logged.": "指标权重：建议、限幅调整、记录。",
    "Propose weights for the members of a composite: from comparisons, from history, or from both. Changes nothing.": (
        "为综合指标的成员建议权重：依据两两比较、历史数据或两者。不作任何更改。"
    ),
    "Create a draft version with other weights, none further than the cap, and log the change.": (
        "创建权重不同的草稿版本（变动不超过上限）并记录变更。"
    ),
    "List what `andon weights adjust` changed, newest first.": "列出 `andon weights adjust` 的变更，最新在前。",
    "Split the change of a composite between two windows into indicators, weights, structure and missing data.": (
        "把综合指标在两个窗口之间的变化拆分为指标、权重、结构和缺失数据。"
    ),
    "Rank the values of a dimension by a composite, and say how far the ranks depend on the weights.": (
        "按综合指标对维度取值排名，并说明名次对权重的依赖程度。"
    ),
    "Let a version count that is there already: a draft, or one from before.": "启用已有的版本：草稿或以前的版本。",
    "Version; an older one is a way back.": "版本；较旧的版本即为回退。",
    "Name of the composite. Default: the root.": "综合指标名称。默认：根。",
    "The most that a weight may move in one step.": "一步中权重的最大变动。",
    "MEMBER/OTHER=RATIO: so many times as important, 1/9 to 9; once for each pair.": (
        "成员/另一成员=比值：重要程度的倍数，1/9 到 9；每对一次。"
    ),
    "YAML with `experts`: the judgements of several.": "含 `experts` 的 YAML：多位专家的判断。",
    "What history says: entropy, critic or merec. Default: critic without experts.": (
        "历史数据方法：entropy、critic 或 merec。默认：无专家时为 critic。"
    ),
    "Share of the experts where history counts as well.": "历史数据也计入时专家所占份额。",
    "How they are combined: linear or geometric.": "合并方式：linear（线性）或 geometric（几何）。",
    "Width of the windows of history.": "历史窗口的宽度。",
    "MEMBER=WEIGHT, once for each member.": "成员=权重，每个成员一次。",
    "Why; for the log.": "原因；写入记录。",
    "A time within the window before.": "前一窗口内的时间。",
    "A time within the window after.": "后一窗口内的时间。",
    "Weights of this version counted before.": "前一窗口使用此版本的权重。",
    "The slice whose values are ranked; may be repeated.": "按其取值排名的切分维度；可重复。",
    "A time within the window. Default: the latest.": "窗口内的时间。默认：最近。",
    "How far each weight is varied: 0.2 is 20 %.": "各权重的变动幅度：0.2 即 20 %。",
    "Show what differs between two versions, and what each difference has consequences for.": (
        "显示两个版本的差异及各差异的影响。"
    ),
    "The system as process/system, for example desk/main.": "体系，写作 process/system，例如 desk/main。",
    "Version. Default: the active one.": "版本。默认：启用的版本。",
    "Version. Default: the newest.": "版本。默认：最新版本。",
    "Compare with this document instead.": "与此文档比较。",
    "Back-tests: what a version would have alarmed on.": "回测：某版本会产生哪些报警。",
    "Say which alarms a version would have raised: when, on which series, and which incidents it would have caught.": (
        "说明某版本会产生的报警：何时、哪些序列，以及会发现哪些事件。"
    ),
    "Show a back-test: its progress, or its report.": "显示回测：进度或报告。",
    "List back-tests, newest first.": "列出回测，最新的在前。",
    "End a back-test that waits or runs.": "结束等待或运行中的回测。",
    "A document instead of a version.": "用文档代替版本。",
    "Windows that end after this time. Default: the last 90 days.": "在此时间之后结束的窗口。默认：最近 90 天。",
    "Windows that end at or before this time.": "在此时间或之前结束的窗口。",
    "TIME=TITLE or TIME/TIME=TITLE, what alarms should have found; may be repeated.": (
        "时间=标题 或 时间/时间=标题：报警本应发现的事件；可重复。"
    ),
    "An alarm so long after an incident's end still counts: 12h, 7d.": "事件结束后这么久内的报警仍算发现：12h、7d。",
    "Do not wait for the report.": "不等待报告。",
    "Name of the back-test: backtests/...": "回测名称：backtests/...",
    "Alarms: whether they were true, and monitors as requested.": "报警：是否为真，监控是否符合要求。",
    "Say whether a signal was a true alarm. Your last verdict counts.": "判定信号是否为真报警；以您最后的判定为准。",
    "List what reviewers said of signals, newest first.": "列出对信号的判定，最新的在前。",
    "Show the share of true alarms among judged signals, by rule and by indicator, with intervals.": (
        "按规则与指标显示已判信号中真报警的比例及区间。"
    ),
    "Show, for every monitor, the false alarms that were requested against the alarms that nobody called true.": (
        "逐个监控显示要求的误报与未被判为真的报警。"
    ),
    "Name of the signal, as `andon signals --json` lists it.": "信号名称，见 `andon signals --json`。",
    "true, false, or known: something was wrong that was known already.": (
        "true（真）、false（假）或 known（确有问题但已知）。"
    ),
    "Why.": "原因。",
    "Name of a signal. Default: of all.": "信号名称。默认：全部。",
    "Compare units: limits that narrow with their size, and how sure each rank is.": (
        "比较各单元：随规模收窄的限，以及名次的可靠程度。"
    ),
    "The slice whose values are the units; may be repeated.": "其取值为各单元的切片维度；可重复。",
    "What units are compared with. Default: all of them together.": "比较的基准。默认：全部单元合计。",
    "none, multiplicative or additive. Default: additive.": (
        "none（无）、multiplicative（乘性）或 additive（加性）。默认：加性。"
    ),
    "Units with fewer cases are left out.": "案例更少的单元不计。",
    "Show the error budget of a share, and whether the latest windows burn it faster than allowed.": (
        "显示占比的错误预算，以及最近窗口是否消耗过快。"
    ),
    "The share that may fail. Default: the indicator's target.": "允许失败的比例。默认：指标的目标。",
    "Length of the period.": "周期天数。",
    "False alarms that are wanted in a month.": "每月可接受的误报次数。",
    "Simulate waiting with this staff, and with other arrivals, staff or service times.": (
        "模拟在此人力下的等待，以及改变到达、人力或服务时间后的等待。"
    ),
    "Servers at the same time.": "同时服务的人数。",
    "Arrivals in an hour, or the key of a series whose cases are them.": "每小时到达数，或以其案例为到达的序列键。",
    "Mean service time in hours, or the key of a series of a duration.": "平均服务小时数，或时长序列的键。",
    "Such as staff=4, arrivals=1.2 or staff=4,service=0.9; may be repeated.": (
        "例如 staff=4、arrivals=1.2 或 staff=4,service=0.9；可重复。"
    ),
    "Equal seeds give equal answers.": "相同种子结果相同。",
    "Series of slices too.": "同时显示切片序列。",
    "Windows of each series.": "每个序列的窗口数。",
    "Notes on series: what happened, and when.": "序列备注：发生了什么，何时发生。",
    "Pin a note to a time: charts and overviews of every series within the scope show it.": (
        "为某时间添加备注：范围内各序列的图与总览均显示。"
    ),
    "List notes, by scope and time.": "按范围与时间列出备注。",
    "Remove a note for good.": "永久删除备注。",
    "Key of a series, or process/system/indicator, process/system or process alone.": (
        "序列键，或 process/system/indicator、process/system、process。"
    ),
    "What is shown on this series, indicator, system or process.": "在此序列、指标、体系或流程上显示的备注。",
    "What happened.": "发生了什么。",
    "When it began, in the zone of the system.": "开始时间，以体系的时区计。",
    "When it ended. Default: an instant.": "结束时间。默认：一个时刻。",
    "note, change, incident or maintenance.": "note（备注）、change（变更）、incident（事件）或 maintenance（维护）。",
    "Name of the note: annotations/...": "备注名称：annotations/...",
    "Show how capable a process is: Cp to Cpm, Pp, Ppk, DPMO and sigma level, and whether their assumptions hold.": (
        "显示过程能力：Cp 至 Cpm、Pp、Ppk、DPMO 与西格玛水平，以及其前提是否成立。"
    ),
    "Show the quality loss of a series in money, window by window: off target, spread and in all (Taguchi).": (
        "逐窗口显示序列的质量损失金额：偏离目标、波动与合计（田口）。"
    ),
    "Lower limit, in the unit of the series.": "下限，以序列的单位计。",
    "Upper limit, in the unit of the series.": "上限，以序列的单位计。",
    "The best value. Default: the middle.": "最佳值。默认：中点。",
    "The best value. Default: the indicator's.": "最佳值。默认：指标的目标。",
    "Capability of cases or of windows.": "cases（案例）或 windows（窗口）的能力。",
    "normal, fitted or percentiles. Default: normal unless it is refused.": (
        "normal（正态）、fitted（拟合）或 percentiles（分位数）。默认：正态，除非被检验拒绝。"
    ),
    "Spread within windows: mean-range, mean-sd, pooled or moving-range.": (
        "窗口内波动：mean-range、mean-sd、pooled 或 moving-range。"
    ),
    "Values are counted defects, of so many possible in a case.": "值为缺陷计数，每个案例有这么多机会。",
    "Shift that is added to the sigma level; 0: none.": "加到西格玛水平上的偏移；0：无。",
    "What one case costs that lies at the tolerance.": "处于容差处的一个案例的损失。",
    "The deviation, or value, that costs so much. Default: the target.": "造成该损失的偏差或取值。默认：目标。",
    "nominal, smaller or larger. Default: by the direction of the indicator.": (
        "nominal（望目）、smaller（望小）或 larger（望大）。默认：按指标方向。"
    ),
    "For people, such as EUR.": "供阅读，例如 EUR。",
    "Surveys: what is asked, who was invited, and what came back.": "问卷：问题、受邀者与答复。",
    "Create a survey and the source that its responses are written to.": "创建问卷及写入其答卷的数据源。",
    "Show a survey and its items.": "显示问卷及其题目。",
    "List all surveys.": "列出所有问卷。",
    "List the shipped surveys: CSAT, NPS, CES, SERVQUAL, in English and Chinese.": (
        "列出内置问卷：CSAT、NPS、CES、SERVQUAL（中英文）。"
    ),
    "Make invitations: ids to hand out, one a line. A response with such an id answers its invitation.": (
        "生成邀请：供分发的标识，每行一个；使用该标识的答卷即答复此邀请。"
    ),
    "List invitations and what became of them.": "列出邀请及其结果。",
    "Say what became of unanswered invitations. Undeliverable ones do not count in the response rate.": (
        "说明未答复的邀请的结果；未送达者不计入答复率。"
    ),
    "Show what came back: response rate, indices with intervals, answers left open, dimensions.": (
        "显示答复情况：答复率、带区间的指数、未答题目、维度。"
    ),
    "Id of the survey, for example branch-visit; also that of its source.": (
        "问卷标识，例如 branch-visit；也是其数据源的标识。"
    ),
    "YAML: the items of the survey.": "YAML：问卷的题目。",
    "A shipped survey instead of a file, see `andon survey templates`.": (
        "用内置问卷代替文件，见 `andon survey templates`。"
    ),
    "How many invitations, at most 5,000.": "邀请份数，最多 5,000。",
    "The part of the sampling frame that they are for, such as branch-7.": "所属的抽样框分层，例如 branch-7。",
    "Only open, answered, undeliverable or refused ones; may be repeated.": (
        "仅 open、answered、undeliverable 或 refused 者；可重复。"
    ),
    "Ids of invitations.": "邀请标识。",
    "undeliverable, refused, or open.": "undeliverable（未送达）、refused（拒答）或 open（未答复）。",
    "Only responses at or after this time, UTC.": "仅此时间（UTC）及之后的答卷。",
    "Only responses before this time, UTC.": "仅此时间（UTC）之前的答卷。",
    "Confidence of the intervals.": "区间的置信水平。",
    "Also how often each answer was given.": "同时显示各答案的次数。",
    "Benchmarks: what others reach, and how a series compares.": "基准：他人达到的水平，以及序列与之的比较。",
    "Store a benchmark: who publishes it, its unit, and its values with their validity.": (
        "存储基准：发布者、单位、各值及其有效期。"
    ),
    "Replace a benchmark, for example to add the values of a new year.": "替换基准，例如加入新一年的值。",
    "Show a benchmark and its values.": "显示基准及其各值。",
    "List benchmarks, and which of them have expired.": "列出基准及其是否已失效。",
    "Compare the windows of a series with the values that held for them; where none held, nothing is compared.": (
        "将序列的各窗口与当时有效的基准值比较；无有效值时不比较。"
    ),
    "Id of the benchmark, for example seen-in-time.": "基准标识，例如 seen-in-time。",
    "YAML: source, unit, direction and values of the benchmark.": "YAML：基准的来源、单位、方向与各值。",
    "Only valid, expired or upcoming ones; may be repeated.": "仅 valid、expired 或 upcoming 者；可重复。",
    "Clauses of policies and regulations, and what watches each.": "政策与法规的条款，以及监控各条款的指标。",
    "Store a clause and the indicators that watch it.": "存储条款及监控它的指标。",
    "Replace a clause and its links.": "替换条款及其关联。",
    "Show a clause and the indicators that watch it.": "显示条款及监控它的指标。",
    "List clauses, and which of them no live indicator watches.": "列出条款，以及没有在用指标监控的条款。",
    "List the clauses in force without a live indicator, and the live indicators without a clause.": (
        "列出没有在用指标的生效条款，以及没有条款的在用指标。"
    ),
    "Id of the clause, for example iso-9001-9-1-2.": "条款标识，例如 iso-9001-9-1-2。",
    "YAML: document, number, text and links of the clause.": "YAML：条款的文件、编号、文本与关联。",
    "Only clauses of this document, for example ISO 9001:2015.": "仅此文件的条款，例如 ISO 9001:2015。",
    "Only indicators of this system, for example wards/main.": "仅此体系的指标，例如 wards/main。",
    "Sensors: readings at a high rate, stored as exact statistics.": "传感器：高频读数，以精确统计量存储。",
    "Declare sensors and the source of their statistics.": "声明传感器及其统计量的数据源。",
    "Show what sensors measure.": "显示传感器测量的量。",
    "List all sensors.": "列出所有传感器。",
    "Write the readings of a file as statistics. Writing the same file again changes nothing.": (
        "将文件中的读数写为统计量。重复写入同一文件不产生任何变化。"
    ),
    "Print an indicator system that scores and charts every quantity, to be edited and applied.": (
        "输出对每个量评分并绘制控制图的指标体系，可编辑后应用。"
    ),
    "Id of the sensors, for example cold-store; also that of their source.": (
        "传感器标识，例如 cold-store；也是其数据源的标识。"
    ),
    "YAML: quantities and period of the sensors.": "YAML：传感器的量与周期。",
    "CSV or Parquet with sensor, quantity, time, value.": ("CSV 或 Parquet，列为 sensor、quantity、time、value。"),
    "KPI feeds: figures by period and unit, without a case behind them.": (
        "KPI 数据源：按周期与单位给出的指标数据，无需案例。"
    ),
    "Declare a KPI feed and the source that its rows are written to.": "声明 KPI 数据源及写入其行的数据源。",
    "Replace title and series of a feed. Series may be added; none may leave or change its figures.": (
        "替换标题与序列；可增加序列，不可移除，也不可更改其数据形式。"
    ),
    "Show a feed and its series.": "显示 KPI 数据源及其序列。",
    "List all KPI feeds.": "列出所有 KPI 数据源。",
    "Write the rows of a file. Writing them again changes nothing.": "写入文件中的行。重复写入不产生变化。",
    "Print an indicator system that scores and charts every series of a feed, to be edited and applied.": (
        "输出为其每个序列评分并绘图的指标体系，可编辑后应用。"
    ),
    "Id of the feed, for example complaints; also that of its source.": (
        "KPI 数据源标识，例如 complaints；也是其数据源的标识。"
    ),
    "YAML: period, dimensions and series of the feed.": "YAML：周期、维度与序列。",
    "Rows: CSV with a header, JSON Lines or one JSON document.": "行：带表头的 CSV、JSON Lines 或一个 JSON 文档。",
    "These figures replace those of the same periods: gives rows a newer revision.": (
        "以这些数据替换相同周期的数据：为各行赋予更新的修订号。"
    ),
    "Transfers: whole files that the service reads by itself.": "传输：由服务自行读取的整个文件。",
    "Upload a file for the service to read. The same command goes on where it was broken off.": (
        "上传文件，由服务读取。再次运行同一命令即从中断处继续。"
    ),
    "List transfers, newest first.": "列出传输，最新的在前。",
    "Show how far a transfer is, and which records were refused.": "显示传输的进度与被拒绝的记录。",
    "Cancel a transfer. What it has written stays in the log.": "取消传输。已写入的内容保留在日志中。",
    "Id of the transfer, as listed by `andon transfer list`.": "传输标识，见 `andon transfer list`。",
    "YAML: how columns become events. Default: as the source says.": "YAML：各列如何成为事件。默认：按数据源的映射。",
    "Leave when the file is uploaded; the service reads it by itself.": "上传完成即退出；服务自行读取。",
    "The archive: events that have left the database for Parquet files.": (
        "归档：已移出数据库、存入 Parquet 文件的事件。"
    ),
    "Show how much is archived, and the files, oldest first.": "显示已归档的数量与文件，最早的在前。",
    "Archive what is due now, as the service does by itself every hour.": (
        "立即归档到期的事件；服务本身每小时也会执行。"
    ),
    "Read the files and compare them with the hashes recorded when they were written.": (
        "读取文件，并与写入时记录的哈希比较。"
    ),
    "Identifiers of persons: what is found in texts, and erasures.": "个人标识：文本中发现的内容与删除记录。",
    "Erase a person: show what would be deleted, ask, delete it and print the certificate. Cannot be undone.": (
        "删除一个人：显示将删除的内容，询问，删除并打印证明。不可撤销。"
    ),
    "List the certificates of erasures, newest first.": "列出删除证明，最新的在前。",
    "Show the certificate of an erasure: what was deleted, and what is unchanged.": (
        "显示一次删除的证明：删除了什么，什么保持不变。"
    ),
    "Show which identifiers a scan finds in texts, by class, and what policies make of the texts. Stores nothing.": (
        "显示扫描在文本中发现的各类标识，以及各策略如何处理文本。不存储任何内容。"
    ),
    "All that names the person, as sources send it: name, mail address, customer number.": (
        "来源发送的、指称此人的所有值：姓名、邮箱、客户编号。"
    ),
    "The values, one a line, instead.": "改为从文件读取各值，每行一个。",
    "Why, for the certificate; at most 500 characters.": "原因，写入证明；最多 500 字符。",
    "Also write the certificate to this new file, as JSON.": "另将证明以 JSON 写入此新文件。",
    "Do not ask.": "不询问。",
    "Name of the erasure, as listed by `andon privacy erasures`.": "删除记录的名称，见 `andon privacy erasures`。",
    "Texts to look at.": "要检查的文本。",
    "Texts, one a line, plain or .gz.": "文本，每行一段，普通或 .gz 文件。",
    "Show what the policies of this source make of it. Default: each treatment.": (
        "显示此来源的策略如何处理。默认：逐一显示各种处理。"
    ),
    "Field of the source: resource or attributes.NAME.": "来源的字段：resource 或 attributes.名称。",
    "Refused events: find, correct by rule, replay, discard.": "被拒事件：查找、按规则更正、重放、丢弃。",
    "List refused events, or count them by reason: where to begin.": "列出被拒事件，或按原因计数：从何处着手。",
    "Show a refused event as it was sent, its correction, and who decided what about it.": (
        "显示被拒事件的原始内容、更正以及谁作了何种决定。"
    ),
    "Correct refused events by rules, in the order set, replace, shift, parse, clear. Replay them afterwards.": (
        "按规则更正被拒事件，依次为 set、replace、shift、parse、clear；之后再重放。"
    ),
    "Send refused events through admission again, as corrected. What is admitted leaves quarantine.": (
        "将被拒事件（按更正后的内容）重新送入接收；获接收者离开隔离区。"
    ),
    "Take refused events off the list for good, with a reason.": "永久移出被拒事件，并注明理由。",
    "Quarantine ids, as listed. Default: all that the options select.": "隔离编号，见列表。默认：选项选中的全部。",
    "Quarantine id, as listed by `andon quarantine list`.": "隔离编号，见 `andon quarantine list`。",
    "Only this source; may be repeated. -: of none.": "仅此来源；可重复。-：无来源者。",
    "Only events refused for this, such as EVENT_ID_MISSING; may be repeated.": (
        "仅因此原因被拒的事件，如 EVENT_ID_MISSING；可重复。"
    ),
    "Only events refused for this field, such as time.": "仅因此字段被拒的事件，如 time。",
    "Only events refused at or after this time, UTC.": "仅此时间（UTC）及之后被拒的事件。",
    "Only events refused before this time, UTC.": "仅此时间（UTC）之前被拒的事件。",
    "Every event that is pending or corrected.": "所有待处理或已更正的事件。",
    "Why; recorded with the event.": "理由；与事件一同记录。",
    "Fail if the event has changed since this etag was read; for one event.": (
        "若读取此 etag 后事件已变化则失败；用于单个事件。"
    ),
    "Include replayed and discarded events.": "包括已重放与已丢弃的事件。",
    "Newest first. Default: oldest first.": "最新在前。默认：最早在前。",
    "Count by source, reason and field instead.": "改为按来源、原因与字段计数。",
    "Give the field a value; {id} inserts another field.": "给字段赋值；{id} 插入另一字段。",
    "Replace one value; an empty one means absent.": "替换一个值；空值表示缺失。",
    "Move a time, such as time=-8h or time=30min.": "平移时间，如 time=-8h 或 time=30min。",
    "Read a time from a text, such as time=attributes.at=>%d.%m.%Y.": (
        "由文本读取时间，如 time=attributes.at=>%d.%m.%Y。"
    ),
    "Time zone of texts that --parse reads. Default: UTC.": "--parse 所读文本的时区。默认：UTC。",
    "Remove the field.": "移除字段。",
    "Show what events become and whether they are admitted then.": "显示事件将变成什么，以及届时是否会被接收。",
    "Real-time quality monitoring of service processes: indicators, control charts, verified improvement.": (
        "服务过程质量的实时监测：指标、控制图以及经验证的改进。"
    ),
    "Start the services with `make run` or `python -m services`, then run: andon status": (
        "先用 `make run` 或 `python -m services` 启动服务，再执行：andon status"
    ),
    "Indicator systems: measures, weights, targets and control charts.": "指标体系：度量、权重、目标与控制图。",
    "A problem, from acknowledgement to closure.": "问题：从受理到关闭。",
    "Improvement actions and the verification of their effect.": "改进措施及其效果验证。",
    "Show the progress of each service and the balance of received events.": "显示各服务的处理进度及接收事件的平衡。",
    "List events of the log, in commit order.": "按提交顺序列出日志中的事件。",
    "List current scores, newest window first, then in the order of the indicator hierarchy.": (
        "列出当前评分：最新窗口在前，同一窗口内按指标层级排序。"
    ),
    "List out-of-control signals, newest first, each with its rule, control limits and in-control ARL.": (
        "列出失控信号（最新在前），含规则、控制限与受控平均运行长度。"
    ),
    "List live problems, most severe first, each with its most likely cause.": (
        "列出未结束的问题（最严重在前）及其最可能的原因。"
    ),
    "Draw the control chart of a series, with phase I, control limits and signals.": (
        "绘制序列的控制图，含基线期、控制限与信号。"
    ),
    "Watch changes until Ctrl-C; resumes after disconnects and restarts.": (
        "监视变化，直至 Ctrl-C；断线或重启后自动恢复。"
    ),
    "Explain a score or a problem, down to event ids.": "解释评分或问题，直至事件标识。",
    "Check a document against the contract and the five principles of indicator selection.": (
        "按契约与五项指标选取原则检查文档。"
    ),
    "Store a document as a new version and activate it.": "将文档存为新版本并启用。",
    "List all versions of all indicator systems.": "列出所有指标体系的全部版本。",
    "Show a problem: causes, actions, last verdict, signals and next steps.": (
        "显示一个问题：原因、措施、最近结论、信号与下一步。"
    ),
    "Undo an acknowledgement, a dismissal or a snooze. The signals of a dismissed problem count again.": (
        "撤销受理、驳回或暂缓；被驳回问题的信号重新计入。"
    ),
    "Hand a problem over to an owner, and change who watches it.": "将问题移交给负责方，并更改关注者。",
    "Say that a problem needs no attention before a time. Its signals are processed meanwhile.": (
        "声明某一时间之前无需关注该问题；其间信号照常处理。"
    ),
    "Add a note to the history of a problem.": "在问题历史中添加备注。",
    "Open a problem that no signal speaks of: a complaint, an audit finding, an observation.": (
        "登记没有信号的问题：投诉、审核发现或现场观察。"
    ),
    "What is wrong, in the language of --locale.": "问题是什么，使用 --locale 的语言。",
    "complaint, audit-finding, observation or other.": (
        "complaint（投诉）、audit-finding（审核发现）、observation（现场观察）或 other（其他）。"
    ),
    "Id of the indicator system. Default: none.": "指标体系标识。默认：无。",
    "Indicator that it concerns. Default: none.": "所涉及的指标。默认：无。",
    "Slice that it concerns; may be repeated.": "所涉及的切片；可重复。",
    "What people said of it, in the language of --locale.": "人们的描述，使用 --locale 的语言。",
    "Number of a complaint, case or finding; may be repeated.": "投诉、案例或发现的编号；可重复。",
    "Role or team that is responsible. Default: nobody yet.": "负责的角色或团队。默认：暂无。",
    "Since when, in the zone of the system.": "自何时起（按体系的时区）。",
    "Acknowledge a problem.": "受理问题。",
    "Confirm, suspect, support or refute a cause, or add a new one.": "确认、怀疑、支持或排除某一原因，或添加新原因。",
    "suspected, supported, refuted or confirmed.": (
        "suspected（怀疑）、supported（有依据）、refuted（已排除）或 confirmed（已确认）。"
    ),
    "Dismiss a problem as a false alarm. Its signals do not reopen it.": "将问题作为误报驳回；其信号不会使其重新打开。",
    "Close a problem. Requires an action that was verified as improved.": "关闭问题；须有经验证已改善的措施。",
    "Plan an action with a measurable goal. The goal and its test are fixed before the action starts.": (
        "计划一项目标可度量的措施；目标及其检验在措施开始前固定。"
    ),
    "Start an action. This fixes the windows of its verification.": "开始措施；其验证窗口随之固定。",
    "Mark an action as implemented. Later windows count as after it.": "标记措施已落实；此后的窗口计为措施之后。",
    "Cancel an action.": "取消措施。",
    "Verify the effect of an action. May be repeated daily: the interval is valid at all looks together.": (
        "验证措施的效果；可每日重复，区间在所有查看时刻同时有效。"
    ),
    "Sources: how their raw records become events, and raw records for them.": (
        "数据源：原始记录如何成为事件，以及写入原始记录。"
    ),
    "Create a source, with a mapping that makes events of its records.": "创建数据源，其映射将记录转为事件。",
    "Change what is given of a source; records that are written from then on are mapped by it.": (
        "更改数据源中所给的内容；此后写入的记录按此映射。"
    ),
    "Show a source; its mapping is printed as YAML, which create and update read again.": (
        "显示数据源；其映射以 YAML 输出，可供 create 与 update 再次读取。"
    ),
    "List all sources.": "列出所有数据源。",
    "Show how good the data of sources is, day by day: complete, valid, unique, timely, consistent.": (
        "按日显示数据源的数据质量：完整、有效、唯一、及时、一致。"
    ),
    "Show when sources delivered last, when the next events are due, and which sources are silent.": (
        "显示数据源最近到达、下次应到的时间以及哪些数据源沉默。"
    ),
    "Id of a source. Default: all.": "数据源标识。默认：全部。",
    "Days from this date on.": "自该日期起。",
    "Days before this date.": "至该日期前。",
    "Draw the shares of one source over its days instead.": "改为绘制一个数据源各日的占比。",
    "Propose a mapping for a file: YAML for `create` and `andon load`, and why each column was taken.": (
        "为文件提出映射：供 `create` 与 `andon load` 使用的 YAML，并说明为何选取各列。"
    ),
    "List the shipped mappings, each of the export of one product.": "列出内置映射，各对应一种产品的导出格式。",
    "Show what the first records of a file become, and why one is refused. Writes nothing.": (
        "显示文件的前若干条记录将成为什么，以及为何被拒；不写入任何内容。"
    ),
    "Make a webhook for a source: a file for the gateway, the address, and how the sender signs.": (
        "为数据源建立 Webhook：网关所用的文件、地址，以及发送方如何签名。"
    ),
    "Who sends, and so how it proves that it may.": "发送方，决定其如何证明身份。",
    "The secret that the sender has made. Default: a random one.": "发送方生成的密钥。默认：随机生成。",
    "File of the webhook. Default: standard output.": "写入 Webhook 的文件。默认：标准输出。",
    "Write the records of a file. Writing them again changes nothing.": "写入文件中的记录；重复写入不会有任何改变。",
    # Options and arguments
    "File of the mapping. Default: standard output.": "写入映射的文件。默认：标准输出。",
    "YAML: how columns become events.": "YAML：列如何映射为事件。",
    "Id of the source, for example zendesk.": "数据源标识，例如 zendesk。",
    "Kind of the source. Default: event_log.": "数据源类型。默认：event_log。",
    "What people call the source.": "数据源的名称（供人阅读）。",
    "Only if the source is still as it was read.": "仅当数据源自读取后未变化时执行。",
    "A shipped mapping instead of a file, see `andon source templates`.": (
        "用内置映射代替文件，见 `andon source templates`。"
    ),
    "Records: JSON Lines or one JSON document, plain or .gz.": "记录：JSON Lines 或单个 JSON 文档，可为 .gz。",
    "Folder with connection.json. Default: the nearest .andon folder.": (
        "connection.json 所在目录。默认：最近的 .andon 目录。"
    ),
    "Language of help and output: en or zh.": "帮助与输出的语言：en 或 zh。",
    "Only this indicator; may be repeated.": "仅此指标；可重复。",
    "Window width: hour, day, week, month or all. Default: every width.": (
        "窗口宽度：hour、day、week、month 或 all。默认：所有宽度。"
    ),
    "Only this process.": "仅此流程。",
    "Only indicator systems with this id, for example main.": "仅此标识的指标体系，例如 main。",
    "Only unsliced series.": "仅未切片的序列。",
    "Windows that start at or after this time, in the zone of their system.": (
        "在此时间（按其体系的时区）或之后开始的窗口。"
    ),
    "Windows that start before this time, in the zone of their system.": "在此时间（按其体系的时区）之前开始的窗口。",
    "Maximum number of items.": "最多显示的条数。",
    "Print one JSON object per line.": "每行输出一个 JSON 对象。",
    "Only the series with this key.": "仅此键的序列。",
    "Include retracted signals.": "包括已撤回的信号。",
    "Include closed, dismissed and withdrawn problems.": "包括已关闭、已驳回和已撤回的问题。",
    "Only problems that have every word of this in their texts.": "仅文本中含有这里每个词的问题。",
    "Only problems of this owner; may be repeated.": "仅此负责方的问题；可重复。",
    "Only problems of this slice; may be repeated.": "仅此切片的问题；可重复。",
    "Only problems at least this severe, in sigma.": "仅严重度不低于此值（西格玛）的问题。",
    "Only problems that go on after this time.": "仅在此时间之后仍持续的问题。",
    "Only problems that began before this time.": "仅在此时间之前开始的问题。",
    "Without problems that are snoozed now.": "不含目前暂缓的问题。",
    "Only problems from here: signals, complaint, audit-finding, observation; may be repeated.": (
        "仅此来源的问题：signals（信号）、complaint（投诉）、audit-finding（审核发现）、observation（现场观察）；可重复。"
    ),
    "severity, newest or due.": "severity（严重度）、newest（最新）或 due（期限）。",
    "How many problems are in each state instead, and what waits for people.": "改为显示各状态的问题数及待处理事项。",
    "Only problems with an overdue action.": "仅含有逾期措施的问题。",
    "Cursor to resume after. Default: the oldest event retained.": "从此游标之后继续。默认：保留的最早事件。",
    "Only this case; may be repeated.": "仅此案例；可重复。",
    "Key of the series, as listed by `andon scores`.": "序列的键，见 `andon scores`。",
    "Write the chart to this SVG file.": "将图写入此 SVG 文件。",
    "Write the Vega-Lite spec to this file.": "将 Vega-Lite 规格写入此文件。",
    "Resource to watch.": "要监视的资源。",
    "Cursor to resume after. Default: from now.": "从此游标之后继续。默认：从现在起。",
    "Send the current items first.": "先发送当前内容。",
    "Append to this JSON Lines file and resume from it: exactly once.": (
        "追加到此 JSON Lines 文件并由此继续：恰好一次。"
    ),
    "Stop after this many changes. 0: never.": "达到此变化数后停止。0：不停止。",
    "Key of a series, or name of a problem (problems/...).": "序列的键，或问题的名称（problems/...）。",
    "A time within the window, in the zone of the system; for a series.": (
        "窗口内的某一时间（按体系的时区）；用于序列。"
    ),
    "YAML document of an indicator system.": "指标体系的 YAML 文档。",
    "Id of the process, for example it-desk.": "过程标识，例如 it-desk。",
    "Id of the indicator system.": "指标体系标识。",
    "Store the version without activating it.": "仅保存版本，不启用。",
    "Name of the problem, as listed by `andon problems`.": "问题名称，见 `andon problems`。",
    "Name of the action, as listed by `andon problem show`.": "措施名称，见 `andon problem show`。",
    "Fail if the problem has changed since this etag was read. Default: the current one.": (
        "若问题自读取此 etag 后已变化则失败。默认：当前 etag。"
    ),
    "Idempotency key (UUID): a retry with the same key has no second effect. Default: random.": (
        "幂等键（UUID）：以同一键重试不会重复生效。默认：随机。"
    ),
    "Dry run: validate and show the result only.": "试运行：仅校验并显示结果。",
    "What happened to it instead: who did what, when and why, the newest first.": (
        "改为显示其经过：何人、何时、做了什么及原因，最新者在前。"
    ),
    "Why; stored in the history.": "原因；存入历史。",
    "acknowledge, dismiss or snooze.": "acknowledge（受理）、dismiss（驳回）或 snooze（暂缓）。",
    "Role or team that is responsible from now on; '' is nobody.": "今后负责的角色或团队；'' 表示无人负责。",
    "Role, team or person to add as a watcher; may be repeated.": "要添加为关注者的角色、团队或个人；可重复。",
    "Watcher to remove; may be repeated.": "要移除的关注者；可重复。",
    "Until when, in the zone of the system.": "到何时为止（按体系的时区）。",
    "Why it needs no attention until then.": "为何在此之前无需关注。",
    "The note; @name mentions somebody.": "备注内容；@名称 表示提及某人。",
    "Class of the cause.": "原因类别。",
    "Name of a found cause to judge. Default: add a new one.": "要判断的已找到原因的名称。默认：添加新原因。",
    "Description of the cause, in the language of --locale.": "原因描述，使用 --locale 的语言。",
    "Name of the parent cause. Default: the problem itself.": "上级原因的名称。默认：问题本身。",
    "Slice that a new cause refers to; may be repeated.": "新原因所指的切片；可重复。",
    "Series, signal or document as evidence; may be repeated.": "作为依据的序列、信号或文档；可重复。",
    "Why it is dismissed: a false alarm, a known event.": "驳回理由：误报、已知事件。",
    "When, in event time, in the zone of the system. Default: now.": "时间（事件时间，按体系的时区）。默认：现在。",
    "Why it is cancelled; stored with the action.": "取消理由；随措施保存。",
    "YAML document of the action; options override it.": "措施的 YAML 文档；选项优先。",
    "Description of the action, in the language of --locale.": "措施描述，使用 --locale 的语言。",
    "Responsible role or team.": "负责的角色或团队。",
    "Due date, in the zone of the system. Default: in two weeks.": "截止日期（按体系的时区）。默认：两周后。",
    "Kind of the action. Default: corrective.": "措施类型。默认：corrective（纠正）。",
    "Name of the cause it removes. Default: the confirmed one.": "所针对原因的名称。默认：已确认的原因。",
    "Key of the series to improve. Default: the one with most signals.": ("要改善的序列的键。默认：信号最多的序列。"),
    "Expected change, signed, in the unit of the series; of a share -0.05 is 5 percentage points less."
    " Default: back to the centre line.": (
        "预期变化（带符号，按序列单位；占比的 -0.05 即减少 5 个百分点）。默认：回到中心线。"
    ),
    "Confidence of each bound. Default: 0.95.": "单侧置信水平。默认：0.95。",
    "Length of the baseline: 12h, 14d, 6w. Default: since the begin of the problem.": (
        "基线长度：12h、14d、6w。默认：自问题开始。"
    ),
    "Minimum number of windows after the action, at least 4. Default: 8.": "措施后的最少窗口数，至少 4。默认：8。",
    "Horizon: number of windows at which the test is most sensitive. Default: 60.": (
        "计划期：检验最灵敏时的窗口数。默认：60。"
    ),
    "Load a file. Loading it again changes nothing; a broken load goes on where it stopped.": (
        "装载文件。重复装载不产生变化；中断的装载从中断处继续。"
    ),
    "CSV, TSV, JSON, JSON Lines, Parquet, .xlsx, XES or OCEL 2.0; text also .gz.": (
        "CSV、TSV、JSON、JSON Lines、Parquet、.xlsx、XES 或 OCEL 2.0；文本可为 .gz。"
    ),
    "YAML: how columns become events. XES and OCEL need none.": "YAML：列如何映射为事件。XES 和 OCEL 可省略。",
    "Without a mapping: the source of the events. Default: the name of the file.": (
        "无映射时：事件的来源。默认：文件名。"
    ),
    "OCEL without a mapping: the type of objects whose events are a case.": ("OCEL 无映射时：以哪种类型的对象为案例。"),
    "Without a mapping: the zone of times that have none, such as Europe/Berlin.": (
        "无映射时：无时区的时间所属时区，如 Europe/Berlin。"
    ),
    "Write events of the log to a file, by default as they count after all corrections.": (
        "将日志中的事件写入文件，默认为应用全部更正之后的结果。"
    ),
    "The file to write; text also as .gz.": "要写的文件；文本可为 .gz。",
    "Default: what the name of the file says.": "默认：由文件名判断。",
    "Events at or after this time.": "此时间及之后的事件。",
    "Events before this time.": "此时间之前的事件。",
    "The zone of --from and --to, and of times in CSV, such as Europe/Berlin.": (
        "--from、--to 及 CSV 中时间的时区，如 Europe/Berlin。"
    ),
    "Only this source; may be repeated.": "只要此来源；可重复。",
    "Corrected events as well, with what corrects them.": "也包括被更正的事件及其更正。",
    "OCEL: the name of the type of objects that cases are.": "OCEL：案例所属对象类型的名称。",
    "Replace a file that exists.": "替换已存在的文件。",
    "Begin at the first row even after a broken load.": "即使上次装载中断，也从第一行开始。",
    "Read every row, show what the first become, and send nothing.": "读取每一行，显示前几行的结果，不发送。",
    # Of the command line itself
    "Show this message and exit.": "显示此帮助并退出。",
}
_PANELS: Mapping[str, str] = {
    "ARGUMENTS_PANEL_TITLE": "参数",
    "OPTIONS_PANEL_TITLE": "选项",
    "COMMANDS_PANEL_TITLE": "命令",
    "ERRORS_PANEL_TITLE": "错误",
    "DEFAULT_STRING": "[默认：{}]",
    "ENVVAR_STRING": "[环境变量：{}]",
    "REQUIRED_LONG_STRING": "[必填]",
    "RICH_HELP": "用 [blue]'{command_path} {help_option}'[/] 查看帮助。",
    "ABORTED_TEXT": "已中止。",
}
_EXAMPLE = ("Example: ", "示例：")
_USAGE_ERRORS: Sequence[tuple[str, str]] = (
    (r"^Missing argument (.+?)\.", r"缺少参数 \1。"),
    (r"^Missing option (.+?)\.", r"缺少选项 \1。"),
    (r"^Invalid value for (.+?): ", r"\1 的值无效："),
    (r"^No such option: (\S+?)\.?(?= |$)", r"没有选项 \1。"),
    (r"^No such command (.+?)\.", r"没有命令 \1。"),
    (r"^Option (.+?) requires an argument\.", r"选项 \1 需要一个值。"),
    (r"^Got unexpected extra arguments? \((.+?)\)", r"多余的参数：\1"),
    (r"Did you mean (.+?)\?", r"是否想输入 \1？"),
    (r"\(Possible options: (.+?)\)", r"（可用选项：\1）"),
    (r"(File|Path) (.+?) does not exist\.", r"文件 \2 不存在。"),
    (r"Input should be a valid (integer|number), .+", r"不是有效的数值。"),
    (r"(\S+) is not a valid integer\.", r"\1 不是整数。"),
    (r"(\S+) is not a valid float\.", r"\1 不是数字。"),
    (r"(\S+) is not one of (.+?)\.$", r"\1 不是 \2 之一。"),
    (r"(\S+) is not in the range (.+?)\.$", r"\1 不在范围 \2 内。"),
    (r"(\S+) is not a time such as (.+) or (\S+)$", r"\1 不是时间，时间的写法如 \2 或 \3。"),
)
# What typer says itself, once something else was said in this process.
_english: dict[str, Any] = {}


def requested_locale(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Before parsing, because `--help` is answered while parsing: `--locale zh`, `--locale=zh`, ANDON_LOCALE."""
    for at, argument in enumerate(arguments):
        if argument == "--locale" and at + 1 < len(arguments):
            return arguments[at + 1]
        if argument.startswith("--locale="):
            return argument.removeprefix("--locale=")
        if not argument.startswith("-") and (at == 0 or arguments[at - 1] != "--home"):
            break
    return environment.get("ANDON_LOCALE", "en")


def usage_error(message: str, locale: str) -> str:
    """What is wrong with the arguments of a command, in the reader's language."""
    if language_of(locale) == "zh":
        for pattern, chinese in _USAGE_ERRORS:
            message = re.sub(pattern, chinese, message)
    return message


def translate(command: Any, locale: str) -> None:
    """Puts the help and the usage errors of a command and of all below it into the reader's language."""
    chinese = language_of(locale) == "zh"
    if not chinese and not _english:
        return
    # Imported here: it loads a reader of Markdown and a highlighter of code, which only help and usage errors need.
    from typer import rich_utils

    if not _english:
        _english.update({name: getattr(rich_utils, name) for name in (*_PANELS, "rich_format_error")})
    for name, said in {**_english, **(_SAID_IN_CHINESE if chinese else {})}.items():
        setattr(rich_utils, name, said)
    if chinese:
        _translate(command)


def _format_chinese_error(error: Any) -> None:
    message = usage_error(error.format_message(), "zh")
    error.format_message = lambda: message
    _english["rich_format_error"](error)


_SAID_IN_CHINESE: Mapping[str, Any] = {**_PANELS, "rich_format_error": _format_chinese_error}


def _translate(command: Any) -> None:
    help_option = command.get_help_option(command.make_context(command.name, [], resilient_parsing=True))
    for owner in (command, help_option, *command.params):
        if getattr(owner, "help", None):
            owner.help = CHINESE.get(owner.help, owner.help)
    if command.epilog:
        command.epilog = CHINESE.get(command.epilog, command.epilog.replace(*_EXAMPLE))
    for child in getattr(command, "commands", {}).values():
        _translate(child)
