package aster_test

import (
	"fmt"

	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/secret"
)

func ExampleNewAgent() {
	agent, err := aster.NewAgent(aster.AgentConfig{
		Key: secret.New("0x4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1"), // the venue's published demo key
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := aster.New(aster.Config{Signer: agent})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	fmt.Println(agent, "may use", client.Usage().Limit, "of weight a minute")
	// Output: agent 0x21cF8Ae13Bb72632562c6Fff438652Ba1a151bb0 may use 2400 of weight a minute
}

func ExampleError() {
	fmt.Println(&aster.Error{Op: "POST /fapi/v3/order", Status: 503, Kind: aster.KindUnknownOutcome})
	// Output: aster: POST /fapi/v3/order: unknown_outcome (503): it may have been done: ask for the order by its client id, do not send it again
}
