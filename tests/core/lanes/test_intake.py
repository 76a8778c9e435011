"""What becomes of the elements of an inbox, without any store."""

from __future__ import annotations

from ninja_daemon.core.lanes.intake import Arrival, Assignment, InboxView, admit

VIEW = InboxView(now=1_700_000_000_000, sequence=41, arrivals=())


def element(identity: str, unreadable: str = "") -> Arrival:
    return Arrival(f"text of {identity}", f"digest of {identity}", identity, unreadable=unreadable)


def test_a_message_has_one_number_in_all_of_its_lanes_and_enters_each_once() -> None:
    assignments = [Assignment(element("a"), ("desk", "other", "desk")), Assignment(element("b"), ("other",))]
    intake = admit(VIEW, assignments)
    assert [(one.number, one.lanes) for one in intake.admissions] == [(42, ("desk", "other")), (43, ("other",))]
    assert (intake.sequence, intake.ids) == (43, ("a", "b"))


def test_an_id_that_is_known_or_comes_twice_is_dropped_and_takes_no_number() -> None:
    assignments = [Assignment(element(name), ("desk",)) for name in ("known", "new", "new", "next")]
    intake = admit(VIEW, assignments, {"known"})
    assert [one.is_repeated for one in intake.admissions] == [True, False, True, False]
    assert [one.number for one in intake.admissions] == [0, 42, 0, 43]
    assert {one.counted for one in intake.admissions if one.is_repeated} == {"repeated"}
    assert intake.ids == ("new", "next")


def test_what_enters_no_lane_takes_no_number_and_is_counted_or_dead() -> None:
    junk = [Assignment(element("", "no JSON"), counted="unreadable", dead="no JSON") for _ in range(2)]
    intake = admit(VIEW, [*junk, Assignment(element("c"), counted="silenced")])
    assert [one.counted for one in intake.admissions] == ["unreadable", "unreadable", "silenced"]
    letters = [one.letter for one in intake.admissions]
    assert [letter and (letter.cause, letter.reason) for letter in letters] == [("unreadable", "no JSON")] * 2 + [None]
    assert (intake.sequence, intake.ids) == (41, ("c",))
