"""The field of forms in which people choose groups."""

from __future__ import annotations

from typing import Any

from django import forms

# SQLite takes no larger numbers, and no group has one.
MAX_DIGITS = 18


class GroupsField(forms.ModelMultipleChoiceField):
    """Django's, for any text in place of an id."""

    def clean(self, value: Any) -> Any:
        for one in value if isinstance(value, list | tuple) else ():
            if len(str(one)) > MAX_DIGITS:
                message = self.error_messages["invalid_choice"]
                raise forms.ValidationError(message, "invalid_choice", {"value": str(one)[:50]})
        return super().clean(value)
