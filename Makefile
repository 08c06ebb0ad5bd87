# Synapse Edge. The work is in scripts/; `make help` lists the commands.
.PHONY: help run test bench build lint proto clean

help:
	@echo "make run    build, start the fixture origin and the edge, print commands to try"
	@echo "make test   build and run every test and the formatter's rules"
	@echo "make bench  measure the edge beside nginx, Varnish, Traffic Server and H2O"
	@echo "make build  build the release binaries edge and edge-bench"
	@echo "make proto  make the Swift code of the protobuf schemas anew"
	@echo "make lint   check the formatter's rules"
	@echo "make clean  remove what was built and the edge's var/ folder"

run:
	@scripts/run.sh

test:
	@scripts/test.sh

bench:
	@scripts/bench.sh

build:
	@scripts/build.sh

lint:
	@scripts/lint.sh

proto:
	@scripts/proto.sh

clean:
	rm -rf .build var
