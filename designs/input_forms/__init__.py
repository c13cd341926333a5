"""Forms that are made from a JSON Schema: the input of a run, filled in without JSON."""

from designs.input_forms.form import InputForm

__all__ = ["InputForm"]
