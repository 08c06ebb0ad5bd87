import Foundation
import TestSupport
import Testing

/// CloudFront's own clients against the edge: the AWS CLI and boto3, which `make test` installs.
@Suite struct CloudFrontTests {
  private static let secret = "wJalr/secret+key"

  private static let section = """
      cloudfront:
        distribution: E1EDGE
        keys: [{ id: EDGEKEY, secret: "\(secret)" }]
    """

  private func environment(_ edge: Edge, secret: String = Self.secret) -> [String: String] {
    [
      "AWS_ACCESS_KEY_ID": "EDGEKEY", "AWS_SECRET_ACCESS_KEY": secret,
      "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
      "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
      "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1", "HOME": edge.folder.path, "NO_PROXY": "*",
      "ENDPOINT": edge.adminURL,
    ]
  }

  private func cloudFront(
    _ edge: Edge, _ arguments: String..., secret: String = Self.secret
  ) throws -> (status: Int32, output: String) {
    try ChildProcess.run(
      PythonTools.path(of: "aws"),
      ["cloudfront"] + arguments + ["--endpoint-url", edge.adminURL, "--output", "json"],
      environment: environment(edge, secret: secret))
  }

  private func members(_ output: String) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
    return try #require(object?["Invalidation"] as? [String: Any], "\(output)")
  }

  @Test func theCommandLineClientInvalidates() throws {
    let origin = try ScriptedOrigin.constant(
      "x", fields: "Cache-Control: max-age=3600\r\nCache-Tag: one\r\n")
    defer { origin.stop() }
    let edge = try Edge(
      originPort: origin.port, route: "    tags: [Cache-Tag]", admin: Self.section)
    func results() throws -> [String] {
      try ["/a", "/img/b/c.png?d=1", "/e"].map {
        try edge.get($0).header("X-Cache")?.components(separatedBy: " ")[0] ?? ""
      }
    }
    _ = try results()
    #expect(try results() == ["Hit", "Hit", "Hit"])
    let created = try cloudFront(
      edge, "create-invalidation", "--distribution-id", "E1EDGE", "--paths", "/a", "/img/*")
    #expect(created.status == 0, "\(created.output)")
    #expect(try results() == ["Miss", "Miss", "Hit"])
    let id = try #require(try members(created.output)["Id"] as? String)
    let waited = try cloudFront(
      edge, "wait", "invalidation-completed", "--distribution-id", "E1EDGE", "--id", id)
    #expect(waited.status == 0, "\(waited.output)")
    let found = try cloudFront(
      edge, "get-invalidation", "--distribution-id", "E1EDGE", "--id", id)
    let job = try members(found.output)
    #expect(job["Status"] as? String == "Completed")
    let batch = job["InvalidationBatch"] as? [String: Any]
    let paths = batch?["Paths"] as? [String: Any]
    #expect(paths?["Items"] as? [String] == ["/a", "/img/*"])
    let listed = try cloudFront(edge, "list-invalidations", "--distribution-id", "E1EDGE")
    #expect(listed.output.contains("\"\(id)\""))
    #expect(try results() == ["Hit", "Hit", "Hit"])
    let tagged = try cloudFront(
      edge, "create-invalidation", "--distribution-id", "E1EDGE", "--paths", "#one")
    #expect(tagged.status == 0, "\(tagged.output)")
    #expect(try results() == ["Miss", "Miss", "Miss"])
    let refused = try cloudFront(
      edge, "create-invalidation", "--distribution-id", "E1EDGE", "--paths", "/*",
      secret: "wrong")
    #expect(refused.status != 0 && refused.output.contains("AccessDenied"))
    #expect(try results() == ["Hit", "Hit", "Hit"])
  }

  @Test func thePythonClientMeetsCloudFrontsErrorsAndPages() throws {
    let origin = try ScriptedOrigin.constant("x")
    defer { origin.stop() }
    let edge = try Edge(originPort: origin.port, admin: Self.section)
    let run = try ChildProcess.run(
      PythonTools.path(of: "python"), ["-c", Self.script], environment: environment(edge))
    #expect(run.status == 0, "\(run.output)")
    #expect(run.output.hasSuffix("all as expected\n"), "\(run.output)")
  }

  private static let script = """
    import os, boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
    client = boto3.client('cloudfront', endpoint_url=os.environ['ENDPOINT'],
                          config=Config(retries={'total_max_attempts': 1}))
    def batch(paths, reference, quantity=None):
        return {'Paths': {'Quantity': len(paths) if quantity is None else quantity,
                          'Items': paths}, 'CallerReference': reference}
    def create(paths, reference, quantity=None, distribution='E1EDGE'):
        return client.create_invalidation(
            DistributionId=distribution, InvalidationBatch=batch(paths, reference, quantity))
    def fails(code, status, call):
        try:
            call()
        except ClientError as error:
            assert error.response['Error']['Code'] == code, error
            assert error.response['ResponseMetadata']['HTTPStatusCode'] == status, error
            assert error.response['Error']['Message'], error
        else:
            raise AssertionError('no ' + code)
    first = create(['/a', '/b&<c>*'], 'first')
    assert first['ResponseMetadata']['HTTPStatusCode'] == 201
    job = first['Invalidation']
    assert first['Location'].endswith('/2020-05-31/distribution/E1EDGE/invalidation/' + job['Id'])
    assert job['InvalidationBatch']['Paths'] == {'Quantity': 2, 'Items': ['/a', '/b&<c>*']}, job
    assert job['CreateTime'].year > 2000
    assert create(['/a', '/b&<c>*'], 'first')['Invalidation']['Id'] == job['Id']
    fails('InvalidationBatchAlreadyExists', 400, lambda: create(['/other'], 'first'))
    fails('InconsistentQuantities', 400, lambda: create(['/a'], 'q', quantity=2))
    fails('InvalidArgument', 400, lambda: create(['/a*b'], 'i'))
    fails('InvalidArgument', 400, lambda: create(['/a b'], 'j'))
    fails('NoSuchDistribution', 404, lambda: create(['/a'], 'd', distribution='E2'))
    fails('BatchTooLarge', 413, lambda: create(['/%d' % n for n in range(3001)], 'large'))
    fails('NoSuchInvalidation', 404,
          lambda: client.get_invalidation(DistributionId='E1EDGE', Id='INONE'))
    client.get_waiter('invalidation_completed').wait(
        DistributionId='E1EDGE', Id=job['Id'], WaiterConfig={'Delay': 1, 'MaxAttempts': 30})
    ids = [create(['/%d' % n], 'page%d' % n)['Invalidation']['Id'] for n in range(5)]
    pages = client.get_paginator('list_invalidations').paginate(
        DistributionId='E1EDGE', PaginationConfig={'PageSize': 2})
    seen = [item['Id'] for page in pages for item in page['InvalidationList'].get('Items', [])]
    assert seen == ids[::-1] + [job['Id']], (seen, ids)
    wrong = boto3.client('cloudfront', endpoint_url=os.environ['ENDPOINT'],
                         aws_access_key_id='OTHER', aws_secret_access_key='x')
    fails('AccessDenied', 403, lambda: wrong.list_invalidations(DistributionId='E1EDGE'))
    print('all as expected')
    """
}
