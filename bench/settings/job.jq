(.Type | ascii_downcase) as $level
| select($level != "trace" and $level != "debug")
| .env = "prod"
| .level = $level
| ."@timestamp" = .Time[:10] + "T" + .Time[11:] + "+08:00"
