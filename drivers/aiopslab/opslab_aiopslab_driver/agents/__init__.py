"""The agents that a task can name in `agent_config`, and what the driver wants of one.

An agent has `async get_action(observation) -> str`; `init_context(description, instructions, apis)`
is called first where there is one. `last_call` may hold what belongs into the step: `usage`,
`token_ids`, `logprobs` and the like.
"""
