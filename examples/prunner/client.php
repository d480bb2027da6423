<?php
// Starts a pipeline, waits for its end and prints what its tasks said, with tokens that hold for 60 seconds.
// Usage: SECRET=… [URL=http://127.0.0.1:9009] php client.php PIPELINE ['{"name": "value"}']
declare(strict_types=1);

final class Pipelines
{
    public function __construct(private string $url, private string $secret, private string $user)
    {
    }

    public function schedule(string $pipeline, array $variables = []): string
    {
        return $this->call('POST', '/pipelines/schedule', 202, [
            'pipeline' => $pipeline,
            'variables' => (object) $variables,
        ])['jobId'];
    }

    public function job(string $id): array
    {
        return $this->call('GET', '/job/detail?' . http_build_query(['id' => $id]), 200);
    }

    public function logs(string $id, string $task): array
    {
        return $this->call('GET', '/job/logs?' . http_build_query(['id' => $id, 'task' => $task]), 200);
    }

    private function token(): string
    {
        $encode = static fn(string $bytes): string => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
        $head = $encode('{"alg":"HS256","typ":"JWT"}');
        $claims = $encode(json_encode(['sub' => $this->user, 'exp' => time() + 60], JSON_THROW_ON_ERROR));
        return "$head.$claims." . $encode(hash_hmac('sha256', "$head.$claims", $this->secret, true));
    }

    private function call(string $method, string $path, int $expected, ?array $body = null): array
    {
        $context = stream_context_create(['http' => [
            'method' => $method,
            'header' => "Authorization: Bearer {$this->token()}\r\nContent-Type: application/json\r\n",
            'content' => $body === null ? '' : json_encode($body, JSON_THROW_ON_ERROR),
            'ignore_errors' => true,
            'timeout' => 10,
        ]]);
        $text = file_get_contents($this->url . $path, false, $context);
        $status = (int) explode(' ', $http_response_header[0])[1];
        $answer = json_decode($text, true, 512, JSON_THROW_ON_ERROR);
        if ($status !== $expected) {
            throw new RuntimeException("$status: " . ($answer['error'] ?? $text));
        }
        return $answer;
    }
}

$pipelines = new Pipelines(getenv('URL') ?: 'http://127.0.0.1:9009', (string) getenv('SECRET'), 'php-example');
$id = $pipelines->schedule($argv[1], json_decode($argv[2] ?? '{}', true, 512, JSON_THROW_ON_ERROR));
do {
    usleep(100_000);
    $job = $pipelines->job($id);
} while (!$job['completed'] && !$job['canceled']);
foreach ($job['tasks'] as $task) {
    echo "{$task['name']}: {$task['status']}\n", $pipelines->logs($id, $task['name'])['stdout'];
}
exit($job['errored'] || $job['canceled'] ? 1 : 0);
