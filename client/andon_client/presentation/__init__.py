"""What a person is shown, as data: the command, the report and a web page share it. Knows no terminal."""
