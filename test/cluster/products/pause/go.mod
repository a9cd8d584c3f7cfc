module checkpoint-agent.io/test/cluster/products/pause

go 1.26.0
