"""Control charts of series: how each is planned, what its phase I freezes, where it alarms and what that promises."""
