import { startRunner, fixture } from './link-client.ts';
const r=await startRunner(); const c=await r.connect();
await c.load('i',fixture('identity-fp32.onnx'));
const rss=async()=>((await c.health()).rssBytes/1e6).toFixed(0);
const out=[await rss()];
for (let k=0;k<8;k++){ await Promise.all(Array.from({length:16},async()=>{for(let i=0;i<1250;i++) await c.infer('i',[{name:'x',datatype:'FP32',shape:[8,3],bytes:new Uint8Array(96)}])})); out.push(await rss()); }
console.log(out.join(' '));
await r.end();
