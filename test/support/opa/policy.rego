# What the tests ask, in each form that an answer may have. bundle.tar.gz is made of it with OPA 1.22.3, here:
#   opa build -t wasm -e gatewayops/allow -e gatewayops/decision -e gatewayops/slow -e gatewayops/number -o bundle.tar.gz policy.rego data.json
package gatewayops

default allow := false

allow if input.name == "tell"

decision := {"decision": "deny", "reason": "Nobody counts here."} if {
	input.name == "numbers"
} else := {"decision": "hold", "reason": sprintf("%s wants to pay", [input.principal.team])} if {
	input.args.amount > data.limits.amount
} else := {"allow": true} if {
	input.name == "tell"
}

number := 7

# More steps than fit into any time limit, but for one tool: a long text is looked for in a longer one, again and again.
slow if input.name == "tell"

slow if {
	input.name != "tell"
	hay := concat("", ["a" | some _ in numbers.range(1, 40000)])
	needle := concat("", [substring(hay, 0, 20000), "b"])
	count([1 |
		some i in numbers.range(1, 500)
		contains(concat("", [format_int(i, 10), hay]), needle)
	]) == 0
}
