package micro_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
)

func ExampleAddService() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	svc, err := micro.AddService(nc, micro.Config{
		Name:        "text",
		Version:     "1.0.0",
		Description: "upper and lower case",
		ErrorHandler: func(_ micro.Service, err *micro.NATSError) {
			log.Print(err) // slow consumers, panics in handlers
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	text := svc.AddGroup("text")
	err = text.AddEndpoint("upper", micro.HandlerFunc(func(r micro.Request) {
		if len(r.Data()) == 0 {
			_ = r.Error("400", "nothing to do", nil)
			return
		}
		_ = r.Respond([]byte(strings.ToUpper(string(r.Data()))))
	}))
	if err != nil {
		log.Fatal(err)
	}

	answer, err := nc.Request("text.upper", []byte("hello"), time.Second)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer.Data))

	// At the end: no request that has arrived is lost.
	if err := micro.Shutdown(context.Background(), svc); err != nil {
		log.Fatal(err)
	}
	fmt.Println(svc.Stats().Endpoints[0].NumRequests, "request")
}

func ExampleClient_Request() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	_, err = micro.AddService(nc, micro.Config{Name: "stock", Version: "1.0.0", Endpoint: &micro.EndpointConfig{
		Subject: "stock.count",
		Handler: micro.ContextHandler(context.Background(), func(ctx context.Context, r micro.Request) {
			deadline, ok := ctx.Deadline() // the caller's
			if !ok || time.Until(deadline) < 0 {
				return // nobody waits any more
			}
			_ = r.Error("404", "no such article", nil)
		}),
	}})
	if err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err = micro.NewClient(nc).Request(ctx, "stock.count", []byte("apples"))
	var refused *micro.ServiceError
	switch {
	case errors.As(err, &refused):
		fmt.Println(refused.Code, refused.Description)
	case errors.Is(err, nats.ErrNoResponders):
		fmt.Println("the service is not there")
	case err != nil:
		log.Fatal(err)
	}
}

func ExampleClient_Info() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	for range 2 {
		echo := micro.HandlerFunc(func(r micro.Request) { _ = r.Respond(r.Data()) })
		_, err := micro.AddService(nc, micro.Config{Name: "echo", Version: "1.0.0", Endpoint: &micro.EndpointConfig{Subject: "echo", Handler: echo}})
		if err != nil {
			log.Fatal(err)
		}
	}

	for info, err := range micro.NewClient(nc).Info(context.Background(), micro.FindName("echo")) {
		if err != nil {
			log.Fatal(err)
		}
		for _, e := range info.Endpoints {
			fmt.Println(info.Name, info.Version, "answers on", e.Subject)
		}
	}
}

func ExampleMiddleware() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	withToken := func(next micro.Handler) micro.Handler {
		return micro.HandlerFunc(func(r micro.Request) {
			if r.Headers().Get("Token") != "secret" {
				_ = r.Error("401", "no token", nil)
				return
			}
			next.Handle(r)
		})
	}
	svc, err := micro.AddService(nc, micro.Config{Name: "vault", Version: "1.0.0", Middleware: []micro.Middleware{withToken}})
	if err != nil {
		log.Fatal(err)
	}
	open := micro.HandlerFunc(func(r micro.Request) { _ = r.Respond([]byte("open")) })
	if err := svc.AddEndpoint("vault", open, micro.WithEndpointConcurrency(16)); err != nil {
		log.Fatal(err)
	}

	client := micro.NewClient(nc)
	_, err = client.Request(context.Background(), "vault", nil)
	fmt.Println(err)
	answer, err := client.Request(context.Background(), "vault", nil, micro.WithHeaders(micro.Headers{"Token": {"secret"}}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer.Data))
}

// Endpoints of a group share the beginning of their subjects. A handler with a context stops when its caller does not wait any more.
func ExampleGroup() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	svc, err := micro.AddService(nc, micro.Config{Name: "shop", Version: "1.0.0"})
	if err != nil {
		log.Fatal(err)
	}
	create := micro.ContextHandler(context.Background(), func(ctx context.Context, r micro.Request) {
		if ctx.Err() != nil {
			return // nobody waits for the answer
		}
		if err := r.RespondJSON(map[string]string{"id": "4711"}); err != nil {
			log.Print(err)
		}
	})
	if err := svc.AddGroup("shop").AddGroup("v1").AddEndpoint("create", create); err != nil {
		log.Fatal(err)
	}

	answer, err := micro.NewClient(nc).Request(context.Background(), "shop.v1.create", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer.Data))
}

// A service that ends answers what it has got first.
func ExampleShutdown() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	echo := micro.HandlerFunc(func(r micro.Request) { _ = r.Respond(r.Data()) })
	svc, err := micro.AddService(nc, micro.Config{Name: "echo", Version: "1.0.0", Endpoint: &micro.EndpointConfig{Subject: "echo", Handler: echo}})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := micro.Shutdown(ctx, svc); err != nil {
		log.Fatal(err) // requests were dropped
	}
	fmt.Println("stopped:", svc.Stopped())
}

// Handlers that wait for something else may run several at a time. What comes beyond the limits is dropped, counted and told.
func ExampleWithEndpointConcurrency() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	svc, err := micro.AddService(nc, micro.Config{Name: "letters", Version: "1.0.0"})
	if err != nil {
		log.Fatal(err)
	}
	both := make(chan struct{})
	meet := micro.HandlerFunc(func(r micro.Request) {
		select { // one handler gives, the other takes: alone, neither would get on
		case both <- struct{}{}:
		case <-both:
		}
		_ = r.Respond([]byte("met"))
	})
	err = svc.AddEndpoint("meet", meet, micro.WithEndpointConcurrency(2), micro.WithEndpointPendingLimits(1000, 1<<20))
	if err != nil {
		log.Fatal(err)
	}

	answers := make(chan *nats.Msg)
	for range 2 {
		go func() {
			answer, err := nc.Request("meet", nil, 5*time.Second)
			if err != nil {
				log.Fatal(err)
			}
			answers <- answer
		}()
	}
	for range 2 {
		fmt.Println(string((<-answers).Data))
	}
}
