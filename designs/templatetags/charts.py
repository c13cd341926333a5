"""Charts in templates: `{% bars chart %}`, `{% line chart %}`, `{% spark marks "Last runs" %}`,
`{% meter spent limit %}`."""

from __future__ import annotations

from django import template

from designs.pictures import charts

register = template.Library()

register.simple_tag(charts.bars, name="bars")
register.simple_tag(charts.lines, name="line")
register.simple_tag(charts.spark, name="spark")
register.simple_tag(charts.meter, name="meter")
