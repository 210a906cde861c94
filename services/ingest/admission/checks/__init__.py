"""What an event may be: each check looks at a whole column, and notes the rows that break its rule."""
