import Testing

@Suite struct RouteNameTests {
  @Test func aRouteNameStandsForOneRoute() {
    let text = """
      listeners: [{ address: 127.0.0.1:8080 }]
      origins: { api: { servers: [http://127.0.0.1:9000] } }
      routes:
        - { match: /*, origin: api }
        - { match: /a/*, origin: api, name: images }
        - { match: /b/*, origin: api, name: images }
        - { match: /c/*, origin: api, name: "/*" }
        - { match: /d/*, origin: api, name: /d/* }

      """
    #expect(
      faults(text) == [
        "edge.conf:6:39: the route name 'images' is already used at line 5 (choose another)",
        "edge.conf:7:39: the route name '/*' is already used at line 4 (choose another)",
      ])
  }
}
