"""What is no YAML is one line with the file, its line and what to write, in both languages."""

from __future__ import annotations

import re

import pytest
from andon_records.messages import MalformedYaml
from andon_records.yaml_text import compose_yaml, read_yaml
from hypothesis import given
from hypothesis import strategies as st

WRONG = {
    "title: {en: [": (2, "inside a bracket that is not closed", "有括号没有闭合"),
    "title: a\n\tsources: [a]": (2, "write spaces", "空格"),
    "title: a: b": (1, "put the text in quotes", "加引号"),
    "a: 1\na: 2": (2, '"a" is written twice', "重复"),
    'title: b\nunit: "abc': (3, "quote that begins in line 2", "第 2 行开始的引号"),
    "list:\n- name: x\n  - y": (3, "not indented.*line 2", "缩进"),
    "a: *b": (1, r'\*b refers to nothing.*"\*b"', "没有对应的定义"),
    "a: !!python/object:os.system x": (1, "no known kind of value", "不是已知的值类型"),
    "? [a]\n: b": (1, "a key is one text", "键应为一个文本"),
    "when: 2026-13-01": (1, "no date or number that exists", "不是存在的日期"),
    "count: !!int x": (1, "no date or number that exists", "不是存在的日期"),
    "a: 1\n---\nb: 2": (2, "remove ---", "请删除 ---"),
    "title: {en: x\nsources: [a]": (2, "line 1 is not closed", "没有闭合"),
    "owner: @desk": (1, 'in quotes: "@...', "不能以 @ 开头"),
    "share: %": (1, 'in quotes: "%...', "不能以 % 开头"),
    "title: x\nunit h\nowner: y": (3, "", ""),
    "%x\na: 1": (2, "check indents, quotes and brackets", "请检查缩进"),
}


@pytest.fixture
def file(tmp_path):
    def written(content):
        path = tmp_path / "desk.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


@pytest.mark.parametrize("text", WRONG)
def test_a_fault_is_one_line_with_its_place_and_what_to_write(file, text):
    path = file(text + "\n")
    line, english, chinese = WRONG[text]
    with pytest.raises(MalformedYaml) as refused:
        read_yaml(path, literal=False)
    said = str(refused.value)
    assert said.startswith(f"{path}, line {line}, column ")
    assert re.search(english, said), said
    assert refused.value.text("zh").startswith(f"{path}，第 {line} 行")
    assert chinese in refused.value.text("zh")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"title: \xff\xfe", "save it as UTF-8"),
        (b"title: \x01", r"U\+0001 is not allowed"),
        (b"[" * 5_000, "nested too deeply"),
        (b"a: " + b"{a: " * 5_000, "nested too deeply"),
    ],
)
@pytest.mark.parametrize("read", [compose_yaml, lambda path: read_yaml(path, literal=False), read_yaml])
def test_a_fault_without_a_line_is_named_with_the_file(file, content, says, read):
    with pytest.raises(MalformedYaml, match=rf"desk\.yaml: .*{says}"):
        read(file(content))


@given(st.text(alphabet=st.sampled_from("ab:-[]{}\"'&*!%@#|>,? \n\t0129."), max_size=30))
def test_any_text_is_read_or_refused_in_one_line(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    said = ""
    try:
        read_yaml(path, literal=False)
    except MalformedYaml as error:
        said = str(error) + error.text("zh")
    assert "\n" not in said
