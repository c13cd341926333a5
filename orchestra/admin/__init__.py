"""The admin of people and groups, and its start page. Importing it registers both."""

from orchestra.admin import people as people
