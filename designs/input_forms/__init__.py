"""Forms that are made from a JSON Schema: the input of a run, filled in without JSON. And the field
in which forms offer groups.
"""

from designs.input_forms.form import InputForm
from designs.input_forms.group_choice import GroupsField

__all__ = ["GroupsField", "InputForm"]
