"""The configuration file: the contract's keys, every problem at once, and no bytes that lead anywhere else."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, fields
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.app.settings.known_instruments import KNOWN, is_known, suggestion
from ninja_daemon.app.settings.strategies import load_configuration, load_settings
from ninja_daemon.app.settings.strategy_table import StrategyTable
from ninja_daemon.app.settings.values import shown
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import PriceSide, is_instrument_name
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "config/ninja.toml"
LEAST = 'instrument = "EUR_USD"\ntimeframe = "H4"\nfast_ma = 40\nslow_ma = 140\n'


def load(directory: Path, text: str | bytes, **environ: str) -> Configuration:
    path = directory / "ninja.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_settings({"HOME": "/", "NINJA_CONFIG": str(path), **environ}, directory)[1]


def one(directory: Path, lines: str, *, defaults: str = "") -> Strategy:
    (strategy,) = load(directory, f"[defaults]\n{defaults}\n[strategies.S]\n{lines}").strategies
    return strategy


def problems(directory: Path, text: str | bytes, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(directory, text, **environ)
    return tuple(problem.replace(f"{directory / 'ninja.toml'}: ", "") for problem in caught.value.problems)


def load_or_problems(directory: Path, text: str | bytes) -> Configuration | tuple[str, ...]:
    try:
        return load(directory, text)
    except ConfigError as error:
        return error.problems


# --- what is read ---------------------------------------------------------------------------------------------------


def test_the_contracts_example_is_read(tmp_path: Path) -> None:
    text = """
        [strategies.EUR_USD_H4]
        instrument = "EUR_USD"
        timeframe = "H4"
        fast_ma = 40
        slow_ma = 140
        ma_type = "sma"
        price = "bid"
        atr_period = 20
        sl_atr_multiplier = 2.0
        tp_atr_multiplier = 3.50
        min_atr_value = 0.0002
        min_rr_ratio = 1.5
        max_signal_age = "90 s"
        market_hours = "always"
    """
    (strategy,) = load(tmp_path, text).strategies
    assert strategy == Strategy(
        name="EUR_USD_H4",
        instrument="EUR_USD",
        granularity=Granularity.H4,
        fast_ma=40,
        slow_ma=140,
        ma_type=MovingAverageKind.SMA,
        price=PriceSide.BID,
        atr_period=20,
        sl_atr_multiplier=Decimal("2.0"),
        tp_atr_multiplier=Decimal("3.50"),
        min_atr_value=Decimal("0.0002"),
        min_rr_ratio=Decimal("1.5"),
        max_signal_age=90,
        market_hours=MarketHours.ALWAYS,
    )


def test_what_is_left_out_has_the_cores_defaults(tmp_path: Path) -> None:
    assert one(tmp_path, LEAST) == Strategy("S", "EUR_USD", Granularity.H4, fast_ma=40, slow_ma=140)


def test_pair_is_read_as_instrument(tmp_path: Path) -> None:
    assert one(tmp_path, LEAST.replace("instrument", "pair")) == one(tmp_path, LEAST)


def test_a_strategy_may_overrule_the_defaults(tmp_path: Path) -> None:
    strategy = one(tmp_path, LEAST + "min_rr_ratio = 1", defaults='atr_period = 20\nmin_rr_ratio = 2.5\nprice = "ask"')
    assert (strategy.atr_period, strategy.min_rr_ratio, strategy.price) == (20, Decimal(1), PriceSide.ASK)


def test_the_defaults_may_hold_what_every_strategy_must_have(tmp_path: Path) -> None:
    text = f"[defaults]\n{LEAST}[strategies.A]\n[strategies.B]\nslow_ma = 90\n"
    assert [strategy.slow_ma for strategy in load(tmp_path, text).strategies] == [140, 90]


def test_decimals_are_exact_and_count_in_normal_form(tmp_path: Path) -> None:
    short = one(tmp_path, LEAST + "min_atr_value = 0.1\nsl_atr_multiplier = 2")
    long = one(tmp_path, LEAST + "min_atr_value = 0.100\nsl_atr_multiplier = 2.00")
    assert short.min_atr_value == Decimal("0.1")
    assert short.settings_hash == long.settings_hash


@pytest.mark.parametrize("kind", list(MovingAverageKind))
def test_every_kind_of_average_may_be_asked_for(tmp_path: Path, kind: MovingAverageKind) -> None:
    assert one(tmp_path, LEAST + f'ma_type = "{kind.value}"').ma_type is kind


@pytest.mark.parametrize("timeframe", list(Granularity))
def test_every_granularity_may_be_asked_for(tmp_path: Path, timeframe: Granularity) -> None:
    assert one(tmp_path, LEAST.replace("H4", timeframe.name)).granularity is timeframe


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 candle", None),
        ("1 candles", None),
        ("3 candles", 3 * 14_400),
        ("90 s", 90),
        ("90s", 90),
        ("90 Seconds", 90),
        ("10 min", 600),
        ("4 h", 14_400),
        ("2 days", 172_800),
        ("1 week", 604_800),
    ],
)
def test_an_age_is_candles_or_a_span_of_time(tmp_path: Path, text: str, seconds: int | None) -> None:
    assert one(tmp_path, LEAST + f'max_signal_age = "{text}"').max_signal_age == seconds


def test_candles_of_the_defaults_are_candles_of_each_strategy(tmp_path: Path) -> None:
    text = f'[defaults]\nmax_signal_age = "2 candles"\n[strategies.A]\n{LEAST}[strategies.B]\n{LEAST}'
    text = text.replace('"H4"', '"D"', 1)
    assert [strategy.max_signal_age for strategy in load(tmp_path, text).strategies] == [172_800, 28_800]


def test_keys_of_the_old_system_are_accepted_and_noted(tmp_path: Path) -> None:
    text = f'[defaults]\nmin_candles = 200\n[strategies.S]\n{LEAST}sleep_seconds = "whatever"\n'
    configuration = load(tmp_path, text)
    assert len(configuration.strategies) == 1
    notes = " ".join(configuration.notes)
    assert "defaults.min_candles is no longer needed" in notes
    assert "strategies.S.sleep_seconds is no longer needed" in notes


def test_the_order_of_the_file_is_kept(tmp_path: Path) -> None:
    text = "".join(f"[strategies.{name}]\n{LEAST}" for name in ("Z", "A", "M"))
    assert [strategy.name for strategy in load(tmp_path, text).strategies] == ["Z", "A", "M"]


def test_a_file_without_strategies_is_noted(tmp_path: Path) -> None:
    configuration = load(tmp_path, "")
    assert configuration.strategies == ()
    assert "there is no strategy" in configuration.notes[0]


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("fast_ma = 0", "fast_ma must be a whole number of candles from 1 to 5000, was 0"),
        ("fast_ma = 5001", "fast_ma must be a whole number of candles from 1 to 5000, was 5001"),
        ("fast_ma = 2.0", "fast_ma must be a whole number of candles from 1 to 5000, was 2.0"),
        ("fast_ma = true", "fast_ma must be a whole number of candles from 1 to 5000, was true"),
        ('fast_ma = "40"', "fast_ma must be a whole number of candles from 1 to 5000, was '40'"),
        ("atr_period = -1", "atr_period must be a whole number of candles from 1 to 5000, was -1"),
        ("sl_atr_multiplier = 0", "sl_atr_multiplier must be a number above 0 of at most 15 digits, was 0"),
        ("sl_atr_multiplier = -1.5", "sl_atr_multiplier must be a number above 0 of at most 15 digits, was -1.5"),
        ("tp_atr_multiplier = inf", "tp_atr_multiplier must be a number above 0 of at most 15 digits, was Infinity"),
        ("tp_atr_multiplier = nan", "tp_atr_multiplier must be a number above 0 of at most 15 digits, was NaN"),
        ("tp_atr_multiplier = 1e400", "tp_atr_multiplier must be a number above 0 of at most 15 digits, was 1E+400"),
        ("tp_atr_multiplier = true", "tp_atr_multiplier must be a number above 0 of at most 15 digits, was true"),
        ("min_atr_value = -0.1", "min_atr_value must be a number from 0 up, of at most 15 digits, was -0.1"),
        ('min_rr_ratio = "1.5"', "min_rr_ratio must be a number from 0 up, of at most 15 digits, was '1.5'"),
        ('price = "last"', "price must be one of mid bid ask, was 'last'"),
        ('ma_type = "SMA"', f"ma_type must be one of {' '.join(MovingAverageKind)}, was 'SMA'"),
        ('market_hours = "24/7"', "market_hours must be one of fx always, was '24/7'"),
        ("exit_on_reverse = 1", "exit_on_reverse must be true or false, was 1"),
        ("max_candles = 0", "max_candles must be a whole number of candles from 1 to 1000000, was 0"),
        ("cost_pips = -0.1", "cost_pips must be a number from 0 up"),
        ('max_signal_age = "0 s"', "was '0 s'"),
        ('max_signal_age = "3 moons"', "was '3 moons'"),
        ('max_signal_age = "999999999 weeks"', "was '999999999 weeks'"),
        ("max_signal_age = 90", 'max_signal_age must be text such as "1 candle"'),
        ("max_signal_age = 2020-01-01", "max_signal_age must be text such as"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_what_is_allowed(tmp_path: Path, line: str, problem: str) -> None:
    key = line.partition(" ")[0]
    lines = "\n".join(other for other in LEAST.splitlines() if not other.startswith(f"{key} "))
    (found,) = problems(tmp_path, f"[strategies.S]\n{lines}\n{line}\n")
    assert found.startswith("strategies.S.")
    assert problem in found


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("EURUSD", "EUR_USD"),
        ("EUR/USD", "EUR_USD"),
        ("eur_usd", "EUR_USD"),
        ("EUR_UDS", "EUR_USD"),
        ("GBPJPY", "GBP_JPY"),
        ("SPX50_USD", "SPX500_USD"),
    ],
)
def test_an_unknown_instrument_is_refused_with_what_was_probably_meant(tmp_path: Path, name: str, meant: str) -> None:
    (found,) = problems(tmp_path, "[strategies.S]\n" + LEAST.replace("EUR_USD", name))
    assert f"was '{name}'; did you mean {meant}?" in found


@pytest.mark.parametrize("name", ["NOPE_NADA", "", "EUR_EUR", "EUR_USD\\u0000", "../x", "X" * 99])
def test_a_name_that_resembles_no_instrument_is_refused_all_the_same(tmp_path: Path, name: str) -> None:
    (found,) = problems(tmp_path, "[strategies.S]\n" + LEAST.replace("EUR_USD", name))
    assert "strategies.S.instrument must be an instrument of the broker" in found


def test_a_pair_of_known_currencies_is_accepted_with_a_note(tmp_path: Path) -> None:
    configuration = load(tmp_path, "[strategies.S]\n" + LEAST.replace("EUR_USD", "CAD_NOK"))
    assert configuration.strategies[0].instrument == "CAD_NOK"
    assert "CAD_NOK is not among the pairs" in configuration.notes[0]


def test_the_user_may_vouch_for_new_instruments(tmp_path: Path) -> None:
    text = 'extra_instruments = ["NEW500_USD"]\n[strategies.S]\n' + LEAST.replace("EUR_USD", "NEW500_USD")
    configuration = load(tmp_path, text)
    assert configuration.strategies[0].instrument == "NEW500_USD"
    assert configuration.extra_instruments == {"NEW500_USD"}
    (found,) = problems(tmp_path, 'extra_instruments = ["new/usd"]\n')
    assert found.startswith("extra_instruments must be a list of names")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fastma = 3", "strategies.S.fastma is not a key (did you mean fast_ma?)"),
        ("SLOW_MA = 3", "strategies.S.SLOW_MA is not a key (did you mean slow_ma?)"),
        ("colour = 3", "strategies.S.colour is not a key; allowed are instrument"),
        ('"a b" = 3', "strategies.S.'a b' is not a key"),
    ],
)
def test_an_unknown_key_is_refused_with_what_was_probably_meant(tmp_path: Path, line: str, words: str) -> None:
    (found,) = problems(tmp_path, f"[strategies.S]\n{LEAST}{line}\n")
    assert words in found


@pytest.mark.parametrize(("table", "meant"), [("strategys", "strategies"), ("alert", "alerts")])
def test_an_unknown_table_is_refused_with_what_was_probably_meant(tmp_path: Path, table: str, meant: str) -> None:
    (found,) = problems(tmp_path, f"[{table}.S]\n{LEAST}")
    assert found.startswith(f"{table} is not a key (did you mean {meant}?); allowed are strategies")


@pytest.mark.parametrize("name", ["a b", "", "ä", "x" * 65, "a:b", "{x}"])
def test_a_strategys_name_must_fit_into_a_key(tmp_path: Path, name: str) -> None:
    (found,) = problems(tmp_path, f'[strategies."{name}"]\n{LEAST}')
    assert "must be 1 to 64 letters, digits, _ . or -" in found


def test_instrument_and_pair_together_are_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, f'[strategies.S]\n{LEAST}pair = "EUR_USD"\n')
    assert found == "strategies.S must have instrument or pair, was given both"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("strategies = 3", "strategies must be tables"),
        ("strategies.S = 3", "strategies.S must be a table, was 3"),
        ("defaults = []", "defaults must be a table, was []"),
        ("[strategies.S]\n" + LEAST + LEAST, "must be TOML, was not"),
        ("[strategies.S", "must be TOML, was not"),
        ("x = " + "9" * 5_000, "numbers and tables of ordinary size"),
        ("x = " + "[" * 5_000, "must be TOML"),
        (b"x = '\xff'", "text in UTF-8"),
        (b"x" * 17_000_000, "must be at most"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    (found,) = problems(tmp_path, text)
    assert words in found


def test_a_missing_file_is_said_to_be_missing_and_how_to_get_one(tmp_path: Path) -> None:
    environment = read_environment({"HOME": "/"}, tmp_path)
    with pytest.raises(ConfigError, match=r"copy config/ninja\.toml of the distribution"):
        load_configuration(environment)


def test_a_directory_is_no_configuration_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must name a file that can be read"):
        load_configuration(read_environment({"HOME": "/", "NINJA_CONFIG": str(tmp_path)}))


def test_all_problems_of_environment_and_file_come_at_once(tmp_path: Path) -> None:
    text = """
        [defaults]
        atr_perod = 3
        [strategies.A]
        pair = "EURUSD"
        timeframe = "H5"
        fast_ma = 0
        fastma = 3
        [strategies."x y"]
        [strategies.B]
        instrument = "EUR_USD"
        timeframe = "H4"
        fast_ma = true
    """
    found = problems(tmp_path, text, REDIS_PORT="x")
    starts = [
        "environment: REDIS_PORT",
        "defaults.atr_perod is not a key",
        "strategies.A.pair must be",
        "strategies.A.timeframe must be",
        "strategies.A.fast_ma must be",
        "strategies.A.fastma is not a key",
        "strategies.A.slow_ma must be",
        "the name of strategies.'x y' must be",
        *(f"strategies.'x y'.{key} must be" for key in ("instrument", "timeframe", "fast_ma", "slow_ma")),
        "strategies.B.fast_ma must be",
        "strategies.B.slow_ma must be",
    ]
    assert sorted(starts) == sorted(next(start for start in starts if line.startswith(start)) for line in found)


# --- destinations ---------------------------------------------------------------------------------------------------


def test_destinations_and_routes_are_read_with_their_secrets(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DESK_URL=https://desk.example/hook-1234\n")
    (tmp_path / "ninja.toml").write_text("""
        [destinations.desk]
        channel = "webhook"
        url = "env:DESK_URL"
        [destinations.friends]
        channel = "discord"
        url = "https://discord.com/api/webhooks/1/literal-5678"
        [[routes]]
        match = { side = "BUY" }
        to = ["desk"]
        continue = true
        [[routes]]
        to = ["friends"]
    """)
    environment, configuration = load_settings({"HOME": "/", "NINJA_CONFIG": "ninja.toml"}, tmp_path)
    desk = configuration.delivery.destination("desk")
    assert desk.options["url"] == Secret("https://desk.example/hook-1234")
    assert [route.to for route in configuration.delivery.routes] == [("desk",), ("friends",)]
    assert Secret("https://desk.example/hook-1234") in environment.secrets
    assert Secret("https://discord.com/api/webhooks/1/literal-5678") in environment.secrets
    assert "5678" not in repr(configuration)


def test_problems_of_destinations_come_with_all_others(tmp_path: Path) -> None:
    text = f"""
        [destinations.desk]
        channel = "webhook"
        url = "env:NOBODYS_URL"
        [[routes]]
        to = ["dsk"]
        [strategies.S]
        {LEAST}
        atr_period = 0
    """
    found = " ".join(problems(tmp_path, text))
    assert "strategies.S.atr_period must be" in found
    assert "destinations.desk.url names NOBODYS_URL, which is not set" in found
    assert "routes[1].to must be" in found


def test_an_env_name_whose_file_cannot_be_read_is_named(tmp_path: Path) -> None:
    text = '[destinations.desk]\nchannel = "webhook"\nurl = "env:DESK_URL"\n'
    assert "DESK_URL_FILE in the environment must name a file" in problems(tmp_path, text, DESK_URL_FILE="no")[0]


# --- any file -------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_configuration_or_a_configuration_error(tmp_path: Path, content: bytes) -> None:
    outcome = load_or_problems(tmp_path, content)
    assert isinstance(outcome, Configuration) or outcome


SCALARS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.booleans(),
    st.sampled_from(["1.5", "inf", "nan", "1e999999", "0.0", "-0.0", "2020-01-01", "07:00:00", "[]", "{}", "[[1]]"]),
    st.sampled_from(['"EUR_USD"', '"H4"', '"sma"', '"mid"', '"1 candle"', '"fx"', '""', '"\\u202e"']),
)


@given(st.dictionaries(st.sampled_from([*StrategyTable.model_fields, "pair", "min_candles", "other"]), SCALARS))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_values_make_a_strategy_or_problems_that_name_their_key(tmp_path: Path, table: dict[str, object]) -> None:
    lines = "\n".join(
        f"{key} = {str(value).lower() if isinstance(value, bool) else value}" for key, value in table.items()
    )
    outcome = load_or_problems(tmp_path, f"[strategies.S]\n{lines}\n")
    if isinstance(outcome, Configuration):
        assert outcome.strategies[0].settings_hash
    else:
        assert all("strategies.S" in problem or "ordinary size" in problem for problem in outcome)


# --- what is shipped ------------------------------------------------------------------------------------------------


def test_the_sixteen_strategies_are_shipped_two_of_them_mended() -> None:
    strategies = load_configuration(read_environment({"HOME": "/", "NINJA_CONFIG": str(SHIPPED)}, ROOT)).strategies
    rows = {
        strategy.name: (
            *(strategy.fast_ma, strategy.slow_ma, strategy.sl_atr_multiplier, strategy.tp_atr_multiplier),
            strategy.min_atr_value,
        )
        for strategy in strategies
    }
    daily = (50, 200, Decimal("1.5"), Decimal("2.25"))
    hours = {
        "AUD_USD": (50, 160, Decimal("1.5"), Decimal("2.25"), Decimal("0.0002")),
        "EUR_GBP": (40, 90, Decimal(2), Decimal(3), Decimal("0.0001")),
        "EUR_USD": (40, 140, Decimal(2), Decimal(3), Decimal("0.0002")),
        "GBP_JPY": (10, 70, Decimal(2), Decimal(3), Decimal("0.02")),
        "GBP_USD": (40, 50, Decimal(2), Decimal(3), Decimal("0.0002")),
        "NZD_USD": (50, 110, Decimal(2), Decimal(3), Decimal("0.0003")),
        "USD_CAD": (50, 80, Decimal(2), Decimal(3), Decimal("0.0002")),
        "USD_JPY": (30, 90, Decimal(2), Decimal(3), Decimal("0.02")),
    }
    smallest = {"GBP_JPY": "0.03", "USD_JPY": "0.03", "EUR_GBP": "0.0002"}
    expected = {f"{pair}_H4": row for pair, row in hours.items()}
    expected |= {f"{pair}_D": (*daily, Decimal(smallest.get(pair, "0.0003"))) for pair in hours}
    assert rows == expected
    for strategy in strategies:
        assert strategy.name == f"{strategy.instrument}_{strategy.granularity.name}"
        assert (strategy.ma_type, strategy.price) == (MovingAverageKind.SMA, PriceSide.MID)
        assert (strategy.atr_period, strategy.min_rr_ratio) == (14, Decimal("1.5"))
        assert (strategy.max_signal_age, strategy.market_hours) == (None, MarketHours.FX)


def test_the_known_instruments_are_names_and_hold_the_sixty_eight_pairs() -> None:
    assert all(is_instrument_name(name) and is_known(name) for name in KNOWN)
    assert len(KNOWN) >= 68
    assert {strategy["instrument"] for strategy in tomllib.loads(SHIPPED.read_text())["strategies"].values()} <= KNOWN


@given(st.text())
def test_whatever_is_suggested_is_known(text: str) -> None:
    meant = suggestion(text)
    assert meant is None or is_known(meant)


# --- what is written about it ---------------------------------------------------------------------------------------


def test_every_key_of_a_strategy_is_documented_with_its_default() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    defaults = {field.name: field.default for field in fields(Strategy) if field.default not in {MISSING, ()}}
    for key in StrategyTable.model_fields.keys() - {"pair"}:
        row = next((line for line in text.splitlines() if line.startswith(f"| `{key}` |")), None)
        assert row is not None, key
        default = defaults.get(key)
        if isinstance(default, bool):
            assert f"| `{str(default).lower()}` |" in row
        elif isinstance(default, int | Decimal):
            assert f"| `{shown(default)}` |" in row
        elif default is not None:
            assert f'| `"{default.value}"` |' in row  # an enum of texts
    assert "`pair`" in text
    assert all(f"`{name}`" in text for name in KNOWN)


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 604_800.0), ('every = "never"', None), ('every = "2 days"', 172_800.0)]
)
def test_the_daemon_audits_once_a_week_unless_told_otherwise(tmp_path: Path, text: str, seconds: float | None) -> None:
    assert load(tmp_path, f"[audit]\n{text}\n").audit_every == seconds


def test_an_audit_every_few_minutes_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '[audit]\nevery = "5 min"\n')
    assert 'audit.every must be a length of time from 1 hour to 366 days like "1 week", or "never"' in problem
