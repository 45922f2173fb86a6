import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.pipeline.step_names import MAX_LENGTH, disambiguate, slugify, unique


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Load the data", "load_the_data"),
        ("1. Import packages", "import_packages"),
        ("2) Clean", "clean"),
        ("3.1. Fit", "fit"),
        ("Step 3: Train", "train"),
        ("Part 2 - Evaluate", "evaluate"),
        ("A. Appendix", "appendix"),
        ("A model", "a_model"),
        ("Basic use", "basic_use"),
        ("`RollingOLS` on **bold** _terms_", "rollingols_on_bold_terms"),
        ("[Linked](https://example.org/a) text", "linked_text"),
        ("x<sup>2</sup> plot", "x_2_plot"),
        ("R&amp;D", "r_d"),
        ("Huber's t", "hubers_t"),
        ("Error in $\\sigma^2$ terms", "error_in_terms"),
        ("Überblick & Größe", "uberblick_grosse"),
        ("Résumé", "resume"),
        ("CO₂ levels", "co2_levels"),
        ("Анализ данных", "analiz_dannykh"),
        ("α and β", "alpha_and_beta"),
        ("数据", ""),
        ("🚀", ""),
        ("", ""),
        ("2SLS", "step_2sls"),
        ("Parameters", "parameters_step"),
        ("Imports", "imports_step"),
        ("class", "class_step"),
        ("Exercise: Breakdown points of the M-estimator", "breakdown_points_m_estimator"),
        ("Estimating the parameters of a model (and more)", "estimating_parameters_model"),
        ("The relationship between consumption and growth", "relationship_consumption"),
        ("Pneumonoultramicroscopicsilicovolcanoconiosis", "pneumonoultramicroscopicsilico"),
    ],
)
def test_a_heading_becomes_a_name(heading: str, name: str) -> None:
    assert slugify(heading) == name


@given(st.text(max_size=200))
def test_every_name_is_well_formed(heading: str) -> None:
    name = slugify(heading)
    assert name == "" or re.fullmatch(r"[a-z_][a-z0-9_]*", name)
    assert len(name) <= MAX_LENGTH + len("_step")


@given(st.text("ab cde", max_size=80))
def test_a_name_of_a_name_is_itself(heading: str) -> None:
    name = slugify(heading)
    assert slugify(name.replace("_", " ")) == name


@pytest.mark.parametrize(
    ("heading", "other", "name"),
    [
        ("Partial regression plots (crime)", "Partial regression plots (prestige)", "partial_regression_crime"),
        ("Same words", "Same words", ""),
        ("Same", "Same words", ""),
    ],
)
def test_apart_tells_headings_from_one_another(heading: str, other: str, name: str) -> None:
    assert disambiguate(heading, [other]) == name


@pytest.mark.parametrize(
    ("name", "taken", "result"),
    [
        ("fit", set(), "fit"),
        ("fit", {"fit"}, "fit_2"),
        ("fit", {"fit", "fit_2"}, "fit_3"),
        ("a" * 30, {"a" * 30}, "a" * 28 + "_2"),
    ],
)
def test_unique(name: str, taken: set[str], result: str) -> None:
    assert unique(name, taken) == result
