"""What is said about records, their files and a mapping, in English and Chinese, and the errors that carry it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Message:
    """One sentence in both languages. A place can hold another message, which is said in the same language."""

    key: str
    places: Mapping[str, object] = field(default_factory=dict)
    phrases: Mapping[str, tuple[str, str]] = field(default_factory=lambda: PHRASES, repr=False, compare=False)

    def text(self, locale: str = "en") -> str:
        spoken = {
            name: value.text(locale) if isinstance(value, Message) else on_one_line(value)
            for name, value in self.places.items()
        }
        return self.phrases[self.key][1 if locale.startswith("zh") else 0].format(**spoken)

    def __str__(self) -> str:
        return self.text()


def on_one_line(value: object) -> object:
    """A text with what cannot be seen written as an escape; anything else as it is.

    >>> on_one_line("two\\nlines")
    'two\\\\nlines'
    """
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in value)


def message(key: str, **places: object) -> Message:
    return Message(key, places)


class MalformedDocument(ValueError):
    """The document does not fit its contract; says where."""

    def text(self, locale: str) -> str:
        return str(self)


class LoadError(MalformedDocument):
    """One line that says what is wrong, where, and what to write instead."""

    def __init__(self, what: Message) -> None:
        super().__init__(what.text())
        self.what = what

    def text(self, locale: str) -> str:
        return self.what.text(locale)


class MalformedYaml(LoadError):
    """A file that people write is no YAML, or says a thing twice."""


class MalformedMapping(LoadError):
    """The mapping itself is wrong: an unknown key, a value of the wrong type, a time zone that does not exist."""


class UnreadableFile(LoadError):
    """The file cannot be read as the mapping says, or not at all."""


class NothingReadable(LoadError):
    """Not one row of the beginning is accepted: the mapping does not fit the file."""


PHRASES: Mapping[str, tuple[str, str]] = {
    # Where
    "in_file": ("{file}: {what}", "{file}：{what}"),
    "in_line": ("{file}, line {line}: {what}", "{file}，第 {line} 行：{what}"),
    "in_row": ("{file}, row {row}: {what}", "{file}，第 {row} 条记录：{what}"),
    "in_cell": (
        '{file}, row {row}, column "{column}": {what}',
        "{file}，第 {row} 条记录，列“{column}”：{what}",
    ),
    "at_column": ("{file}, line {line}, column {column}: {what}", "{file}，第 {line} 行，第 {column} 列：{what}"),
    "at_key": ("{path}: {what}", "{path}：{what}"),
    # YAML
    "yaml_twice": ('"{name}" is written twice', "“{name}”重复出现"),
    "yaml_quote": (
        "the quote that begins in line {begin} is not closed",
        "第 {begin} 行开始的引号没有闭合",
    ),
    "yaml_bracket": (
        "the bracket that opens in line {begin} is not closed, or a comma is missing",
        "第 {begin} 行打开的括号没有闭合，或缺少逗号",
    ),
    "yaml_end": (
        "the document ends here, inside a bracket that is not closed",
        "文档到此结束，但有括号没有闭合",
    ),
    "yaml_tab": ("a tab cannot indent a line; write spaces", "不能用制表符缩进；请改用空格"),
    "yaml_sign": (
        'a text cannot begin with {sign}; put it in quotes: "{sign}..."',
        "文本不能以 {sign} 开头；请加引号：“{sign}...”",
    ),
    "yaml_colon": (
        'a second ": " in one value; put the text in quotes, or the key in a line of its own',
        "同一个值中出现第二个 “: ”；请给文本加引号，或让该键另起一行",
    ),
    "yaml_no_colon": ('a key needs ": " after it', "键之后应有 “: ”"),
    "yaml_indent": (
        "this line is not indented as those of its block, which begins in line {begin}",
        "此行的缩进与其所在块（始于第 {begin} 行）不一致",
    ),
    "yaml_alias": (
        '*{name} refers to nothing; put a text that begins with * in quotes: "*{name}"',
        "*{name} 没有对应的定义；以 * 开头的文本请加引号：“*{name}”",
    ),
    "yaml_tag": (
        "{tag} is no known kind of value; put a text that begins with ! in quotes",
        "{tag} 不是已知的值类型；以 ! 开头的文本请加引号",
    ),
    "yaml_key": ("a key is one text, not a list or pairs", "键应为一个文本，而不是列表或键值对"),
    "yaml_value": (
        '{found} is no date or number that exists; put it in quotes if it is a text: "{found}"',
        "{found} 不是存在的日期或数字；若为文本，请加引号：“{found}”",
    ),
    "yaml_two": (
        "a second document begins here; one is expected, so remove ---",
        "此处开始第二个文档；只应有一个，请删除 ---",
    ),
    "yaml_control": ("the character {code} is not allowed; remove it", "不允许使用字符 {code}；请删除"),
    "yaml_deep": ("it is nested too deeply, or refers to itself", "嵌套过深，或引用了自身"),
    "yaml_other": (
        "not readable as YAML; check indents, quotes and brackets",
        "无法按 YAML 读取；请检查缩进、引号和括号",
    ),
    "not_utf8": ("not UTF-8 text (byte {byte}); save it as UTF-8", "不是 UTF-8 文本（第 {byte} 字节）；请另存为 UTF-8"),
    # Mapping
    "mapping_expected": (
        'a mapping is expected at the top, such as "source: desk"',
        "顶层应为键值对，例如 “source: desk”",
    ),
    "unknown_keys": ("unknown keys {keys}{hint}; known are {known}", "未知的键 {keys}{hint}；可用的键为 {known}"),
    "missing_keys": ("missing {keys}", "缺少 {keys}"),
    "text_expected": ("a text is expected, not {found}", "应为文本，而不是 {found}"),
    "number_expected": (
        "a whole number from {least} is expected, not {found}",
        "应为不小于 {least} 的整数，而不是 {found}",
    ),
    "flag_expected": ("true or false is expected, not {found}", "应为 true 或 false，而不是 {found}"),
    "texts_expected": (
        "a list of texts is expected, such as [{example}], not {found}",
        "应为文本列表，例如 [{example}]，而不是 {found}",
    ),
    "pairs_expected": (
        "pairs are expected, such as {example}, not {found}",
        "应为键值对，例如 {example}，而不是 {found}",
    ),
    "choice_expected": ("{found} is none of {choices}", "{found} 不在 {choices} 之中"),
    "column_expected": (
        'a column is expected, such as number, "{{number}}/{{row}}" or {{column: state, replace: {{old: new}}}}',
        "应为列名，例如 number、“{{number}}/{{row}}”或 {{column: state, replace: {{old: new}}}}",
    ),
    "name_invalid": (
        "{found} is no name: 1 to 64 of {allowed} are allowed{hint}",
        "{found} 不是有效名称：须为 1 到 64 个 {allowed} 字符{hint}",
    ),
    "hint_column": ("; write {name}: {{column: {column}}}", "；请写 {name}: {{column: {column}}}"),
    "too_many": ("{count} are too many: at most {most}", "{count} 个过多：最多 {most} 个"),
    "zone_unknown": (
        "{found} is no time zone{hint}; write one such as Europe/Berlin, Asia/Shanghai, UTC or +02:00",
        "{found} 不是有效时区{hint}；请写 Europe/Berlin、Asia/Shanghai、UTC 或 +02:00 之类",
    ),
    "zone_abbreviated": (
        "{found} means one offset all year; write the region, such as Europe/Berlin, or the offset, such as +02:00",
        "{found} 全年只表示一个偏移；请写地区（如 Europe/Berlin）或偏移（如 +02:00）",
    ),
    "hint_means": (" (do you mean {names}?)", "（是否指 {names}？）"),
    "hint_no_header": (
        "; write column_names: [...] if the file has no header",
        "；若文件没有表头，请写 column_names: [...]",
    ),
    "no_hint": ("", ""),
    "format_unknown": (
        "{found} has no meaning at {part}; write {words}, or a pattern such as %d/%m/%Y %H:%M:%S",
        "{found} 中的 {part} 无法识别；请写 {words}，或 %d/%m/%Y %H:%M:%S 之类的格式",
    ),
    "format_incomplete": (
        "{found} names no whole date: year, month and day are needed",
        "{found} 没有完整日期：须含年、月、日",
    ),
    "encoding_unknown": (
        "{found} is no encoding; write one such as utf-8, utf-16, windows-1252 or gb18030, or leave it out",
        "{found} 不是有效编码；请写 utf-8、utf-16、windows-1252 或 gb18030 之类，或省略",
    ),
    "delimiter_invalid": (
        '{found} is no delimiter; write one character such as "," or ";", or tab',
        "{found} 不是有效分隔符；请写单个字符，例如 “,” 或 “;”，或 tab",
    ),
    "privacy_unknown": (
        "{found} is no field of this mapping; fields are {known}",
        "{found} 不是此映射的字段；字段有 {known}",
    ),
    "text_alone": (
        "text is the same value for every row: column and replace do not go with it",
        "text 表示每行取值相同，不能与 column 或 replace 同用",
    ),
    "both_headers": (
        "header_row and column_names exclude each other: a file with names of its own has a header",
        "header_row 与 column_names 不能同时使用：文件自带列名即有表头",
    ),
    "both_lifecycles": (
        "start_time and lifecycle exclude each other: a row is either two events or one",
        "start_time 与 lifecycle 不能同时使用：一行要么是两个事件，要么是一个",
    ),
    "ordinal_elsewhere": (
        "{{ordinal}} numbers rows of the same id, so it has a meaning in id only",
        "{{ordinal}} 为相同 id 的记录编号，只能用于 id",
    ),
    "ordinal_alone": (
        'id needs what {{ordinal}} is counted within, such as "{{case}}/{{step}}/{{ordinal}}"',
        "id 须写明 {{ordinal}} 的计数范围，例如 “{{case}}/{{step}}/{{ordinal}}”",
    ),
    "made_already": ("{by} makes this attribute already; remove one", "{by} 已生成此属性，请删除其一"),
    "path_malformed": (
        "{found} is no JMESPath expression ({problem}); write one such as fields.assignee.name or items[?open]",
        "{found} 不是有效的 JMESPath 表达式（{problem}）；请写 fields.assignee.name 或 items[?open] 之类",
    ),
    "counted_in_a_file": (
        "{{{name}}} numbers the rows of a file, and records that are sent have none: use what is in the record, or"
        " {{item}}, the number of the row within its record",
        "{{{name}}} 是文件中的行号，逐条发送的记录没有行号：请使用记录中的内容，或 {{item}}（记录内的序号）",
    ),
    # Records
    "record_not_json": ("the record is no JSON{place}", "记录不是 JSON{place}"),
    "record_not_text": ("the record is not valid Unicode", "记录不是有效的 Unicode 文本"),
    "record_no_object": ("the record is JSON and no object", "记录是 JSON，但不是对象"),
    "record_too_long": ("the record has more than {most:,} bytes", "记录超过 {most:,} 字节"),
    "record_key_unknown": (
        "the key {name} is none that this source knows; known are {known}",
        "键 {name} 不是该数据源已知的键；已知的有 {known}",
    ),
    "key_unnamed": ("of the record", "（记录中）"),
    "record_items": ("the record unfolds into more than {most:,} rows", "记录展开超过 {most:,} 行"),
    "record_text": (
        "a list or an object that a column takes in has more than {most:,} characters",
        "某列所含的列表或对象超过 {most:,} 个字符",
    ),
    "path_cost": (
        "the paths of the mapping need more than {most:,} steps for this record",
        "映射中的路径对此记录需要超过 {most:,} 步",
    ),
    "path_type": (
        "a path of the mapping calls {function}() with a value of another type",
        "映射中的路径以类型不符的值调用 {function}()",
    ),
    "path_fails": (
        "the path {expression} of the mapping cannot be applied to this record",
        "映射中的路径 {expression} 无法用于此记录",
    ),
    # Files
    "lines_empty": (
        "the first {rows:,} lines are empty, so there is no header; export it again",
        "前 {rows:,} 行均为空，没有表头；请重新导出",
    ),
    "file_empty": ("the file is empty", "文件为空"),
    "file_no_rows": ("the file has a header and no row", "文件只有表头，没有数据行"),
    "not_csv": ("this is {kind}, not CSV; {remedy}", "这是 {kind}，不是 CSV；{remedy}"),
    "save_as_csv": ("save it as CSV (UTF-8)", "请另存为 CSV（UTF-8）"),
    "unpack": ("unpack it first", "请先解压"),
    "convert": ("convert it to a CSV with one row per event", "请转换为每行一个事件的 CSV"),
    "gz_broken": (
        "the compressed file is damaged or ends early; copy or download it again",
        "压缩文件已损坏或不完整；请重新复制或下载",
    ),
    "encoding_wrong": (
        "byte {byte} is not {encoding}; write encoding: windows-1252, gb18030 or what the file was saved as,"
        " or leave encoding out",
        "字节 {byte} 不符合 {encoding}；请写 encoding: windows-1252、gb18030 或文件实际的编码，或省略 encoding",
    ),
    "encoding_contradicted": (
        "the mapping says encoding: {encoding}, and the file is {found}; write that, or leave encoding out",
        "映射写明 encoding: {encoding}，而文件是 {found}；请照此填写，或省略 encoding",
    ),
    "encoding_unguessed": (
        "byte {byte} is not UTF-8, and the encoding cannot be guessed; write encoding: and what the file was saved as,"
        " such as gb18030, windows-1251, shift_jis or windows-1252",
        "字节 {byte} 不是 UTF-8，且无法推断编码；请用 encoding: 写明，例如 gb18030、windows-1251、shift_jis"
        " 或 windows-1252",
    ),
    "column_missing": (
        'no column "{column}", which {by} needs{hint}; the columns are {columns} (line {line}, delimiter {delimiter})',
        "没有 {by} 所需的列“{column}”{hint}；现有列为 {columns}（第 {line} 行，分隔符 {delimiter}）",
    ),
    "column_unnamed": (
        'no column "{column}", which {by} needs, among the {count} of column_names; a row of the file has {found}'
        " values (delimiter {delimiter})",
        "column_names 的 {count} 个列名中没有 {by} 所需的列“{column}”；"
        "文件每条记录有 {found} 个值（分隔符 {delimiter}）",
    ),
    "column_twice": (
        'two columns are named "{column}" (columns {first} and {second}); rename one of them in line {line}',
        "有两列同名“{column}”（第 {first} 列和第 {second} 列）；请在第 {line} 行中改名",
    ),
    "header_beyond": (
        "the file ends before line {line}, which header_row names as its header",
        "文件在 header_row 指定的第 {line} 行之前已结束",
    ),
    "quote_open": (
        'a quote opens in column "{column}" and is never closed; close it, or write quote: none in the mapping where'
        " quotes are ordinary text",
        "列“{column}”中的引号未闭合；请补上引号，若引号只是普通文字，请在映射中写 quote: none",
    ),
    "quote_broken": (
        'a quote opens in column "{column}", and text follows where it closes (line {close}); double quotes inside a'
        " quoted value, or write quote: none in the mapping where quotes are ordinary text",
        "列“{column}”中的引号在第 {close} 行闭合后仍有文字；请将值内的引号写成两个，"
        "若引号只是普通文字，请在映射中写 quote: none",
    ),
    "quote_swallows": (
        'the quote that opens in column "{column}" takes in line {inner}, which looks like a row of its own; close the'
        " quote, or write multiline_values: true in the mapping where that is meant",
        "列“{column}”中的引号包含了看似独立记录的第 {inner} 行；请补上引号，"
        "若确属同一值，请在映射中写 multiline_values: true",
    ),
    "after_row": ("after row {row}: {what}", "第 {row} 条记录之后：{what}"),
    "row_too_long": (
        "the row is longer than {bytes:,} bytes; is a quote not closed?",
        "该行超过 {bytes:,} 字节；是否有引号未闭合？",
    ),
    "not_tabular": ("the file cannot be read as CSV: {problem}", "无法按 CSV 读取文件：{problem}"),
    "changed": (
        "{rows:,} rows are in the file and {found:,} were read: the file changed while it was loaded; load it again",
        "文件有 {rows:,} 条记录，却读到 {found:,} 条：装载期间文件有变动，请重新装载",
    ),
    # Formats
    "mapping_needed": (
        "this is {kind}, which needs a mapping of its columns: --mapping FILE",
        "这是 {kind}，需要列映射：--mapping 文件",
    ),
    "format_no_records": (
        "this is {kind}, which holds no records; save it as CSV, JSON, Parquet, .xlsx, XES or OCEL 2.0",
        "这是 {kind}，不含记录；请另存为 CSV、JSON、Parquet、.xlsx、XES 或 OCEL 2.0",
    ),
    "xml_unknown": (
        "the XML begins with <{tag}>, and only <log> of XES or OCEL 2.0 is read; export it as one of them, or as CSV",
        "XML 以 <{tag}> 开头，只能读取 XES 或 OCEL 2.0 的 <log>；请导出为其中之一或 CSV",
    ),
    "ocel_1": (
        "this is OCEL 1.0; convert it to OCEL 2.0, for example with pm4py",
        "这是 OCEL 1.0；请转换为 OCEL 2.0，例如用 pm4py",
    ),
    "read_as": ("read as {kind}", "按 {kind} 读取"),
    "xml_broken": (
        "this is no well-formed XML: {problem}; export it again",
        "XML 格式不正确：{problem}；请重新导出",
    ),
    "xml_encoding": (
        "the encoding that the XML declares cannot be read; save it as UTF-8",
        "无法读取 XML 声明的编码；请另存为 UTF-8",
    ),
    "xml_doctype": (
        "the XML declares a document type, which could define entities; take the <!DOCTYPE ...> out",
        "XML 含有可定义实体的文档类型声明；请删去 <!DOCTYPE ...>",
    ),
    "xml_tag_long": (
        "one tag is longer than {bytes:,} bytes; is a quote not closed?",
        "单个标签超过 {bytes:,} 字节；是否有引号未闭合？",
    ),
    "nested_deep": (
        "elements are nested more than {most} deep; flatten them",
        "元素嵌套超过 {most} 层；请展开",
    ),
    "columns_many": (
        "there are more than {most:,} different keys, and each would be a column; put the varying part into a value",
        "不同的键超过 {most:,} 个，而每个键即一列；请将变化部分放入值中",
    ),
    "xes_expected": (
        "<log> of XES is expected, and <{found}> was found; export the file as XES",
        "应为 XES 的 <log>，却是 <{found}>；请导出为 XES",
    ),
    "xes_misplaced": (
        "<{tag}> has no place here: XES has traces in a log, and events in a trace or a log; export it again",
        "<{tag}> 不应在此处：XES 中 trace 位于 log 内，event 位于 trace 或 log 内；请重新导出",
    ),
    "xes_trace_attribute_late": (
        'attribute "{name}" of a trace comes after its events; XES has the attributes first: export it again',
        "trace 的属性“{name}”位于其事件之后；XES 中属性在前：请重新导出",
    ),
    "xes_traces_repeated": (
        "{count:,} traces have the name of another one and are read as the same case",
        "{count:,} 个 trace 与其他 trace 同名，按同一案例读取",
    ),
    "xes_unknown": (
        "elements that are no XES were skipped: {names}",
        "已略过不属于 XES 的元素：{names}",
    ),
    "xes_log_attributes": (
        "attributes of the log itself belong to no event and are not loaded: {names}",
        "日志自身的属性不属于任何事件，未装载：{names}",
    ),
    "default_activity": (
        "no event has concept:name; the activity is {keys}, the keys of a classifier",
        "事件没有 concept:name；活动取自分类器的键 {keys}",
    ),
    "default_case_number": (
        "no trace has concept:name; a case is the number of its trace",
        "trace 没有 concept:name；以 trace 序号为案例",
    ),
    "default_zone": (
        "{count:,} times have no zone and are read as {zone}; write --time-zone where that is another",
        "{count:,} 个时间没有时区，按 {zone} 读取；若为其他时区请用 --time-zone 指定",
    ),
    "default_renamed": (
        "names of attributes have letters, digits and _.:- only: {pairs}",
        "属性名只能含字母、数字和 _.:-：{pairs}",
    ),
    "default_left_out": (
        "an event has at most {most} attributes: {count:,} columns are not loaded ({names}); write a mapping to choose",
        "事件最多 {most} 个属性：{count:,} 列未装载（{names}）；请编写映射以选择",
    ),
    "column_of_file_missing": (
        'no column "{column}", which {by} needs{hint}; the columns are {columns}',
        "没有 {by} 所需的列“{column}”{hint}；现有列为 {columns}",
    ),
    "json_broken": ("this is no JSON: {problem}; export it again", "不是有效的 JSON：{problem}；请重新导出"),
    "json_line_broken": (
        "the line is no JSON ({problem}, at character {column}): {text}",
        "该行不是有效的 JSON（{problem}，第 {column} 个字符）：{text}",
    ),
    "json_no_object": (
        "a record is an object, such as {{...}}, and this is none: {text}",
        "记录应为 {{...}} 之类的对象，而这不是：{text}",
    ),
    "json_deep": ("the value is nested too deeply; flatten it", "嵌套过深；请展开"),
    "json_number": (
        "a number has more digits than can be read; write it as a text",
        "数字位数过多，无法读取；请写成文本",
    ),
    "json_value_long": (
        "one value is longer than {most:,} characters; is a quote or bracket not closed?",
        "单个值超过 {most:,} 个字符；是否有引号或括号未闭合？",
    ),
    "json_encoding": (
        "byte {byte} is not UTF-8, and JSON has no other encoding; save it as UTF-8",
        "字节 {byte} 不是 UTF-8，而 JSON 只有这种编码；请另存为 UTF-8",
    ),
    "json_no_records": (
        "no array of objects is in the JSON; records are objects in an array, or one object per line",
        "JSON 中没有对象数组；记录应为数组中的对象，或每行一个对象",
    ),
    "json_others": (
        "the records are in {path}; {names} hold no records and are not read",
        "记录位于 {path}；{names} 不含记录，未读取",
    ),
    "json_keys_twice": (
        "{count:,} objects have a key twice, of which the last counts",
        "{count:,} 个对象有重复的键，取最后一个",
    ),
    "parquet_broken": (
        "the Parquet file is damaged or of a kind that cannot be read ({problem}); write it again",
        "Parquet 文件已损坏或无法读取（{problem}）；请重新写出",
    ),
    "workbook_broken": (
        "the workbook is damaged or ends early; save it again",
        "工作簿已损坏或不完整；请重新保存",
    ),
    "workbook_none": (
        "the archive holds no workbook; unpack it, or save the workbook as .xlsx",
        "压缩包中没有工作簿；请解压，或将工作簿另存为 .xlsx",
    ),
    "workbook_locked": (
        "the workbook is protected by a password; save it without one",
        "工作簿有密码保护；请取消密码后保存",
    ),
    "workbook_bomb": (
        "{part} unpacks to more than {bytes:,} bytes, as no table does; save the sheet as CSV",
        "{part} 解压后超过 {bytes:,} 字节，不像表格；请将工作表另存为 CSV",
    ),
    "workbook_large": (
        "a sheet has at most {rows:,} rows and {columns:,} columns, and this one has more; save it as CSV",
        "工作表最多 {rows:,} 行、{columns:,} 列，此表超出；请另存为 CSV",
    ),
    "workbook_texts_many": (
        "the texts of the workbook take more than {bytes:,} bytes; save the sheet as CSV",
        "工作簿文本超过 {bytes:,} 字节；请将工作表另存为 CSV",
    ),
    "workbook_text_missing": (
        "a cell of row {row:,} names a text that the workbook does not hold; save it again",
        "第 {row:,} 行有单元格引用了不存在的文本；请重新保存",
    ),
    "workbook_merges_many": (
        "more than {most:,} cells are merged; unmerge them",
        "合并的单元格超过 {most:,} 个；请取消合并",
    ),
    "workbook_no_sheet": ("the workbook has no sheet with cells", "工作簿没有含单元格的工作表"),
    "sheet_missing": ('no sheet "{name}"; the sheets are {names}', "没有工作表“{name}”；现有 {names}"),
    "sheet_guessed": (
        'sheet "{name}", the first with the columns; not read: {others}',
        "工作表“{name}”（首个含所需列的表）；未读取：{others}",
    ),
    "sheet_column_missing": (
        'sheet "{sheet}" has no column "{column}", which {by} needs; the columns are {columns}',
        "工作表“{sheet}”没有 {by} 所需的列“{column}”；现有列为 {columns}",
    ),
    "merged_cells": (
        "{count:,} merged cells span rows; each row has their value",
        "{count:,} 个合并单元格跨行；每行均取其值",
    ),
    "formulas_unstored": (
        "{count:,} formulas have no stored value and are read as they are written; open and save the workbook",
        "{count:,} 个公式没有已存的值，按公式原文读取；请打开并保存工作簿",
    ),
    "ocel_part_broken": (
        "{part}: number {number:,} is none of OCEL 2.0: {problem} is missing or wrong",
        "{part}：第 {number:,} 项不符合 OCEL 2.0：{problem} 缺失或有误",
    ),
    "ocel_attribute_missing": (
        'an element lacks its attribute "{name}"; export the log again',
        "元素缺少属性“{name}”；请重新导出日志",
    ),
    "ocel_objects_missing": (
        "{count:,} times an event names an object that the log does not hold; these are not read",
        "事件有 {count:,} 次引用了日志中不存在的对象，未读取",
    ),
    "ocel_objects_twice": (
        "{count:,} objects come twice; the first counts",
        "{count:,} 个对象重复出现；取第一个",
    ),
    "case_object_unknown": (
        'no type of objects is named "{name}"; types are {names}',
        "没有名为“{name}”的对象类型；现有 {names}",
    ),
    "case_object_guessed": (
        'a case is an object of type "{name}", which most events have; types are {names}; write --case-object or'
        " case_object: to choose another",
        "以类型“{name}”的对象为案例（多数事件涉及）；类型有 {names}；可用 --case-object 或 case_object: 另选",
    ),
    "case_object_none": (
        '{count:,} events name no object of type "{name}" and belong to no case; they are omitted',
        "{count:,} 个事件不涉及类型“{name}”的对象，不属于任何案例，已略去",
    ),
    "sqlite_broken": (
        "the SQLite database is damaged or cannot be read ({problem}); export it again",
        "SQLite 数据库已损坏或无法读取（{problem}）；请重新导出",
    ),
    "sqlite_table_missing": (
        "no table {table}, which OCEL 2.0 has; export the log as OCEL 2.0",
        "没有 OCEL 2.0 所需的表 {table}；请将日志导出为 OCEL 2.0",
    ),
    "sqlite_column_missing": (
        "table {table} has no column {column}, which OCEL 2.0 has; export the log as OCEL 2.0",
        "表 {table} 没有 OCEL 2.0 所需的列 {column}；请将日志导出为 OCEL 2.0",
    ),
    # Guesses
    "guessed_compressed": ("the file is compressed (gzip), whatever its name says", "文件实为 gzip 压缩，与文件名无关"),
    "guessed_plain": ("the file is named .gz and is not compressed", "文件名为 .gz，但并未压缩"),
    "guessed_encoding": ("encoding {encoding}, guessed", "编码 {encoding}（推断）"),
    "guessed_encoding_line": (
        "encoding {encoding}, guessed: line {line} is not UTF-8 and reads {sample!r}",
        "编码 {encoding}（推断）：第 {line} 行不是 UTF-8，读作 {sample!r}",
    ),
    "guessed_delimiter": ("delimiter {delimiter}, guessed", "分隔符 {delimiter}（推断）"),
    "guessed_sep": (
        "delimiter {delimiter}, from the line sep= of the file",
        "分隔符 {delimiter}（取自文件的 sep= 行）",
    ),
    "guessed_header": (
        "the header is line {line}; {skipped} before it were skipped",
        "表头在第 {line} 行，其前的 {skipped} 行已略过",
    ),
    "guessed_trailing": (
        "every row ends with a delimiter: the empty column after it is ignored",
        "每行末尾均有分隔符：其后的空列已忽略",
    ),
    # Proposals
    "proposed": ('{role}: "{column}", {why}', "{role}：“{column}”，{why}"),
    "proposed_layout": (
        'columns are separated by "{delimiter}", and line {line} names {count} of them',
        "列以“{delimiter}”分隔，第 {line} 行给出 {count} 个列名",
    ),
    "proposed_standard": (
        "the file says itself what its columns mean: `andon load` needs no mapping for it",
        "文件自带列的含义：`andon load` 无需映射",
    ),
    "proposed_no_time": (
        "no column holds times, and an event needs one; columns are {columns}",
        "没有时间列，而事件必须有时间；各列为 {columns}",
    ),
    "proposed_start": (
        "whose name is that of a start, in a table with one end",
        "列名表示开始，且表中另有一列表示结束",
    ),
    "proposed_end": ("whose name is that of an end, in a table with one start", "列名表示结束，且表中另有一列表示开始"),
    "proposed_time": (
        'which all {rows} values make a time as "{formats}", and which changes most from row to row',
        "全部 {rows} 个值均可按“{formats}”读作时间，且逐行变化最多",
    ),
    "proposed_case": (
        "which is never empty and repeats: {distinct} values in {rows} rows",
        "从不为空且有重复：{rows} 行中有 {distinct} 个值",
    ),
    "proposed_single": (
        "which is another in each of {rows} rows: every row is a case of its own",
        "{rows} 行各不相同：每行自成一个案例",
    ),
    "proposed_activity": (
        "whose name is that of a step or a state, with {distinct} values in {rows} rows",
        "列名表示步骤或状态，{rows} 行中有 {distinct} 个值",
    ),
    "proposed_lifecycle": ("whose {distinct} values are words of a life cycle", "其 {distinct} 个值均为生命周期用词"),
    "proposed_name": ("whose name is that of somebody who works on a case", "列名表示处理案例的人"),
    "proposed_no_case": (
        "case_id: no column is one of cases; each event is a case of its own",
        "case_id：没有案例列；每个事件自成一个案例",
    ),
    "proposed_no_activity": (
        'activity: no column is one of steps; every event is "{text}"',
        "activity：没有步骤列；每个事件都是“{text}”",
    ),
    "proposed_id": ("id: {columns}, which no two rows of the sample share", "id：{columns}，样本中没有两行相同"),
    "proposed_id_repeats": (
        "id: {columns}; {count} rows of the sample repeat an earlier one in it and count once. Where they are events of"
        " their own, add a column that differs, or /{{ordinal}} for `andon load`.",
        "id：{columns}；样本中有 {count} 行与先前的行相同，只计一次。若各为独立事件，请加入有区别的列，"
        "或对 `andon load` 加 /{{ordinal}}。",
    ),
    "proposed_order": (
        '"{column}" is read as "{taken}"; as "{other}" it could be read too: look which comes first, day or month',
        "“{column}”按“{taken}”读取；也可按“{other}”读取：请核对日与月的先后",
    ),
    "proposed_unknown": ("unknown: {words} is taken for no value", "unknown：{words} 视为无值"),
    # Rows
    "row_short": (
        "the row has {found} values, the header {expected}: {text}{hint}",
        "该记录有 {found} 个值，表头有 {expected} 个：{text}{hint}",
    ),
    "row_long": (
        "the row has {found} values, the header {expected}: {text}; put a value that holds the delimiter in"
        " quotes{hint}",
        "该记录有 {found} 个值，表头有 {expected} 个：{text}；含分隔符的值请加引号{hint}",
    ),
    # Times
    "time_absent": ("no time is given", "没有时间"),
    "time_impossible": ("{text} does not exist{hint}", "{text} 不存在{hint}"),
    "time_no_format": (
        "{text} is no time by {formats}{hint}",
        "{text} 不符合 {formats} 的时间格式{hint}",
    ),
    "time_hint": ("; write time_formats: [{formats}]", "；请写 time_formats: [{formats}]"),
    "time_hint_year": ("; years have four digits, 0001 to 9999", "；年份为四位数字，0001 至 9999"),
    "time_hint_pattern": (
        '; if it is a time, write its pattern in time_formats, such as ["%d.%m.%Y %H:%M:%S"]',
        '；若为时间，请在 time_formats 中写出其格式，例如 ["%d.%m.%Y %H:%M:%S"]',
    ),
    "time_hint_or": (
        "; write time_formats: [{formats}] where the day comes first, [{others}] where the month does",
        "；日在前请写 time_formats: [{formats}]，月在前请写 [{others}]",
    ),
    "time_zone_unknown": (
        "the zone of {text} is unknown or could mean several; write it as +01:00 or as Europe/Berlin",
        "{text} 的时区未知或有多种含义；请写成 +01:00 或 Europe/Berlin",
    ),
    "time_skipped": (
        "{text} does not exist in {zone}, where clocks were put forward; is time_zone right?",
        "{text} 在 {zone} 不存在（时钟拨快）；time_zone 是否正确？",
    ),
    "dates_swapped": (
        "{text} does not exist by {formats}, while every date of the beginning does with day and month the other way"
        " round: write time_formats: [{swapped}]; nothing was sent",
        "{text} 按 {formats} 不存在，而开头的所有日期若日月互换则都存在：请写 time_formats: [{swapped}]；"
        "未发送任何数据",
    ),
    "type_misfit": (
        "{text} is no {type}{hint}; of the first {rows:,} rows {count:,} have no {type} in attributes.{name}, and"
        " nothing was sent",
        "{text} 无法读作 {type}{hint}；前 {rows:,} 条记录中有 {count:,} 条的 attributes.{name} 无法读作 {type}，"
        "未发送任何数据",
    ),
    "ids_two_forms": (
        "{long} and {short} would be two cases: a spreadsheet or a table of numbers has put .0 behind some; write them"
        " in one way in the file; nothing was sent",
        "{long} 与 {short} 会成为两个案例：电子表格或数值表在部分编号后加了 .0；请在文件中统一写法；未发送任何数据",
    ),
    "swappable": (
        "{count:,} dates would be others with day and month the other way round, and no date of the file says which is"
        " meant; they were read by {formats}",
        "有 {count:,} 个日期若日月互换则为另一日期，文件中没有日期可判定；已按 {formats} 读取",
    ),
    "folded": (
        "{count:,} times lie in an hour that comes twice in {zone} (clocks put back); the first was taken",
        "{count:,} 个时间处于 {zone} 因时钟拨慢而重复的一小时；取前一次",
    ),
    # Values
    "unparsed": (
        "{count:,} values of {name} could not be read as {type} (row {row:,}: {text}); kept as text under"
        " unparsed.{name}{hint}",
        "{name} 有 {count:,} 个值无法读作 {type}（第 {row:,} 条记录：{text}），已作为文本保存在 unparsed.{name}{hint}",
    ),
    "hint_decimal": (
        '; write decimal: "{mark}" where that is the decimal mark',
        '；若“{mark}”为小数点，请写 decimal: "{mark}"',
    ),
    "hint_decimal_or": (
        '; write decimal: "{mark}" where that is the decimal mark, decimal: "{other}" where it sets thousands apart',
        '；若“{mark}”为小数点，请写 decimal: "{mark}"；若为千位分隔符，请写 decimal: "{other}"',
    ),
    "hint_thousands": (
        '; write decimal: "{other}" where "{mark}" sets thousands apart',
        '；若“{mark}”为千位分隔符，请写 decimal: "{other}"',
    ),
    "hint_number": (
        "; a number has digits, a sign and a decimal mark; take units and currencies out of the column, or write type:"
        " text",
        "；数值只含数字、正负号和小数点；请去掉该列中的单位或货币符号，或写 type: text",
    ),
    "hint_flag": (
        "; write replace: {{{text}: true}} where that means true",
        "；若其表示“是”，请写 replace: {{{text}: true}}",
    ),
    "hint_why": ("; {why}", "；{why}"),
    "hint_unknown": ("; write unknown: [{text}] where that means absent", "；若其表示缺失，请写 unknown: [{text}]"),
    # Events
    "no_time_at_all": (
        "none of the first {rows:,} rows has a time, and nothing was sent; {first}",
        "前 {rows:,} 条记录均无可读时间，未发送任何数据；{first}",
    ),
    "all_short": (
        "none of the first {rows:,} rows can be read; {first}",
        "前 {rows:,} 条记录均无法读取；{first}",
    ),
    "cell_empty": (
        "an event needs it, and column {columns} is empty here{hint}",
        "事件必须有此项，而列 {columns} 此处为空{hint}",
    ),
    "cell_unknown": (
        "an event needs it, and {text} in column {columns} means absent by unknown or replace",
        "事件必须有此项，而列 {columns} 中的 {text} 按 unknown 或 replace 表示缺失",
    ),
    "hint_omit": (
        "; write omit_rows: {{{column}: [{text}]}} where such rows are no events",
        "；若此类记录不是事件，请写 omit_rows: {{{column}: [{text}]}}",
    ),
}
